import { expect, test } from "vitest";
import { readS3EventMessage } from "../src/sqs/s3-event-message.ts";

const record = (changes: { name?: string; key?: string; bucket?: string } = {}): object => ({
  eventVersion: "2.1",
  eventSource: "aws:s3",
  eventTime: "2026-03-01T10:00:00.000Z",
  eventName: changes.name ?? "ObjectCreated:Put",
  s3: {
    bucket: { name: changes.bucket ?? "receipts" },
    object: { key: changes.key ?? "k", size: 1, sequencer: "0055AED6DCD90281E5" },
  },
});
const read = (value: unknown): unknown => readS3EventMessage(JSON.stringify(value), "receipts");

test("reads records, with keys as they were before they were escaped", () => {
  const records = [record({ key: "a+b%2Bc%C3%BC" }), record({ name: "ObjectRemoved:Delete" })];

  expect(read({ Records: records })).toEqual([
    {
      key: "a b+cü",
      kind: "written",
      sequencer: "0055AED6DCD90281E5",
      atMs: Date.UTC(2026, 2, 1, 10),
    },
    expect.objectContaining({ key: "k", kind: "deleted" }),
  ]);
});

test.each([
  ["s3:ObjectCreated:CompleteMultipartUpload", "written"],
  ["ObjectTagging:Put", "written"],
  ["ObjectRemoved:DeleteMarkerCreated", "deleted"],
  ["LifecycleExpiration:Delete", "deleted"],
])("takes %s for %s", (name, kind) => {
  expect(read({ Records: [record({ name })] })).toMatchObject([{ kind }]);
});

test("reads the same in an SNS envelope, and EventBridge's form with its plain keys", () => {
  const inner = JSON.stringify({ Records: [record()] });
  expect(read({ Type: "Notification", Message: inner })).toMatchObject([{ key: "k" }]);
  const bridge = {
    source: "aws.s3",
    "detail-type": "Object Deleted",
    time: "2026-03-01T10:00:00Z",
    detail: { bucket: { name: "receipts" }, object: { key: "a+b", sequencer: "00" } },
  };
  expect(read(bridge)).toMatchObject([{ key: "a+b", kind: "deleted", sequencer: "00" }]);
});

test("takes the test of a new connection for nothing", () => {
  expect(read({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "receipts" })).toEqual([]);
});

test.each([
  ["no JSON", "no", "not JSON"],
  ["something else", "{}", "not an event"],
  ["another bucket", JSON.stringify({ Records: [record({ bucket: "x" })] }), "bucket x"],
])("says why it does not understand %s", (_what, text, reason) => {
  expect(() => readS3EventMessage(text, "receipts")).toThrow(reason);
});
