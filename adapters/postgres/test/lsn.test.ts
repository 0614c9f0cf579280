import { assert, bigInt, property } from "fast-check";
import { expect, test } from "vitest";
import { bytesBetween, parseLsn } from "../src/lsn.ts";

test("positions are ordered as numbers, not as text", () => {
  expect(parseLsn("0/9") < parseLsn("0/10")).toBe(true);
  expect(parseLsn("9/0") < parseLsn("10/0")).toBe(true);
  expect(parseLsn("0/FFFFFFFF") < parseLsn("1/0")).toBe(true);
});

test("every position is read exactly, whatever the case of its digits", () => {
  assert(
    property(bigInt({ min: 0n, max: 2n ** 64n - 1n }), (lsn) => {
      const text = `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`;
      expect(parseLsn(text)).toBe(lsn);
      expect(parseLsn(text.toUpperCase())).toBe(lsn);
    }),
  );
});

test("what is no position is refused", () => {
  for (const text of ["", "0", "0/", "/0", "0/G", "1/2/3", "0x1/2", "123456789/0"]) {
    expect(() => parseLsn(text)).toThrow(RangeError);
  }
});

test("bytes between positions are never negative", () => {
  expect(bytesBetween(parseLsn("0/9"), parseLsn("0/10"))).toBe(7n);
  expect(bytesBetween(parseLsn("0/10"), parseLsn("0/9"))).toBe(0n);
});
