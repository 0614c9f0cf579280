import { expect, test } from "vitest";
import { storefrontSettings } from "../src/settings.ts";

test.each(["http://orders:8080", "http://orders:8080/"])("%s is where orders are", (url) => {
  expect(storefrontSettings({ ORDERS_URL: url }).ORDERS_URL).toBe("http://orders:8080");
});

test.each([
  undefined,
  "orders:8080",
  "ftp://orders",
  "http://orders/api",
  "http://me:secret@orders",
])("%s is refused by name", (url) => {
  expect(() => storefrontSettings({ ORDERS_URL: url })).toThrow(/ORDERS_URL/);
});
