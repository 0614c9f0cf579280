import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeHeaderText, encodeHeaderText } from "../../src/wire/header-text.ts";

test("plain text stays readable", () => {
  expect(encodeHeaderText("max-age=60, a b")).toBe("max-age=60, a b");
});

test("any text comes back, and travels as printable ASCII", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const encoded = encodeHeaderText(text);
      expect(encoded).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeHeaderText(encoded)).toBe(text);
    }),
  );
});

test("reads what S3 makes of text that is not ASCII, quoted or in several words", () => {
  expect(decodeHeaderText("=?UTF-8?Q?gr=C3=BC=C3=9Fe_=3D?=")).toBe("grüße =");
  expect(decodeHeaderText("=?UTF-8?B?w6Q=?= =?utf-8?b?w7Y=?=")).toBe("äö");
});

test("leaves alone what it does not understand", () => {
  expect(decodeHeaderText("=?iso-8859-1?q?a=E4?=")).toBe("=?iso-8859-1?q?a=E4?=");
});
