import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeMetadataName, encodeMetadataName } from "../src/blob/metadata-names.ts";

const letters = (text: string): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...text.split("")), minLength: 1, maxLength: 14 });

test("identifiers stay as they are, other names become identifiers", () => {
  expect(encodeMetadataName("plain_name1")).toBe("plain_name1");
  expect(encodeMetadataName("with-dash")).toBe("with_x2ddash");
  expect(encodeMetadataName("1st")).toBe("_x31st");
});

test("every header name comes back, and becomes an identifier", () => {
  fc.assert(
    fc.property(letters("_x25f3da-.!1"), (name) => {
      const encoded = encodeMetadataName(name);
      expect(encoded).toMatch(/^[a-z_][a-z0-9_]*$/);
      expect(decodeMetadataName(encoded)).toBe(name);
    }),
    { numRuns: 5000 },
  );
});

test("every identifier that Blob holds comes back after a way through S3", () => {
  fc.assert(
    fc.property(
      letters("_x25f3da1").filter((name) => /^[a-z_]/.test(name)),
      (identifier) => {
        expect(encodeMetadataName(decodeMetadataName(identifier))).toBe(identifier);
      },
    ),
    { numRuns: 5000 },
  );
});
