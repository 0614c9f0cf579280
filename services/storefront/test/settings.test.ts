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

test.each([
  [undefined, []],
  ["", []],
  ["http://controller:20120", ["http://controller:20120"]],
  [" https://one:1/ , http://two:2,", ["https://one:1", "http://two:2"]],
])("%j names the controllers %j", (text, origins) => {
  const settings = storefrontSettings({ ORDERS_URL: "http://orders", STATUS_URLS: text });
  expect(settings.STATUS_URLS).toEqual(origins);
});

test.each(["controller:20120", "http://one:1,two", "http://one:1/public/status"])(
  "%s is refused as controllers, by name",
  (text) => {
    const environment = { ORDERS_URL: "http://orders", STATUS_URLS: text };
    expect(() => storefrontSettings(environment)).toThrow(/STATUS_URLS/);
  },
);
