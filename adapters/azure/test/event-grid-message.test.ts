import { expect, test } from "vitest";
import { readEventGridMessage } from "../src/queue/event-grid-message.ts";
import { gridEvent } from "./grid-event.ts";

const read = (value: unknown): unknown => readEventGridMessage(JSON.stringify(value), "receipts");

test("reads Event Grid's own schema, plain and in base64, and keys as they are", () => {
  const event = gridEvent({ key: "a b/ü%20+.pdf", sequencer: "00F1" });
  const hint = {
    key: "a b/ü%20+.pdf",
    kind: "written",
    sequencer: "00F1",
    atMs: Date.parse("2026-03-01T10:00:00.5Z"),
  };

  expect(read(event)).toEqual([hint]);
  expect(read([event, event])).toEqual([hint, hint]);
  const base64 = Buffer.from(JSON.stringify(event)).toString("base64");
  expect(readEventGridMessage(base64, "receipts")).toEqual([hint]);
});

test("reads CloudEvents, and tells deletes from writes", () => {
  const { subject, data } = gridEvent({ key: "k" });
  const event = (type: string): object => ({
    specversion: "1.0",
    type,
    subject,
    time: "2026-03-01T10:00:00Z",
    data,
  });

  expect(read(event("Microsoft.Storage.BlobDeleted"))).toMatchObject([{ kind: "deleted" }]);
  expect(read(event("Microsoft.Storage.BlobTierChanged"))).toMatchObject([{ kind: "written" }]);
});

test.each([
  ["not JSON", "%%%", "not JSON"],
  ["another event", JSON.stringify({ hello: 1 }), "not an event"],
  ["another container", JSON.stringify(gridEvent({ key: "k", container: "x" })), "container x"],
  ["no blob", JSON.stringify({ ...gridEvent({ key: "k" }), subject: "/else" }), "not about a blob"],
  ["no time", JSON.stringify({ ...gridEvent({ key: "k" }), eventTime: "soon" }), "time"],
])("says why it does not understand %s", (_what, text, reason) => {
  expect(() => readEventGridMessage(text, "receipts")).toThrow(reason);
});
