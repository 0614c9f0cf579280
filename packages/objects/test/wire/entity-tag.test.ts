import { expect, test } from "vitest";
import { conditionHeaders, etagOf, presentError } from "@cloudphoenix/objects/wire";

test.each([
  ['"0x8D"', "0x8D"],
  ['W/"0x8D"', "0x8D"],
  ["0x8D", "0x8D"],
])("an answer's ETag %s is %s to us", (etag, bare) => {
  expect(etagOf({ etag })).toBe(bare);
});

test("an answer without an ETag has an empty one", () => {
  expect(etagOf({})).toBe("");
});

test("a condition travels as HTTP's own", () => {
  expect(conditionHeaders({ kind: "none" })).toEqual({});
  expect(conditionHeaders({ kind: "absent" })).toEqual({ "if-none-match": "*" });
  expect(conditionHeaders({ kind: "unchanged", etag: "0x8D" })).toEqual({ "if-match": '"0x8D"' });
});

test("what should be absent and is there is a change nobody need repeat", () => {
  expect(presentError("s3://receipts: k")).toMatchObject({
    code: "OBJECT_CHANGED",
    message: "s3://receipts: k is there, and should be absent",
    retryable: false,
  });
});
