/**
 * What Event Grid puts on a storage queue when a blob changes: its own schema or CloudEvents 1.0.
 * Source: "Azure Blob Storage as an Event Grid source".
 */
import type { ChangeHint } from "@cloudphoenix/objects";
import { z } from "zod";

const Details = z.object({ sequencer: z.string().optional() });
const GridEvent = z.object({
  eventType: z.string(),
  subject: z.string(),
  eventTime: z.string(),
  data: Details,
});
const CloudEvent = z
  .object({ type: z.string(), subject: z.string(), time: z.string(), data: Details })
  .transform(({ type, time, ...rest }) => ({ ...rest, eventType: type, eventTime: time }));
const Event = z.union([GridEvent, CloudEvent]);
const Message = z.union([Event, z.array(Event)]);

const SUBJECT = /^\/blobServices\/default\/containers\/([^/]+)\/blobs\/(.+)$/s;

/** Hints in a message's text, plain or in base64. @throws {Error} saying why it is not understood */
export function readEventGridMessage(text: string, container: string): readonly ChangeHint[] {
  const json = /^\s*[[{]/.test(text) ? text : Buffer.from(text, "base64").toString("utf8");
  const parsed = Message.safeParse(jsonOf(json));
  if (!parsed.success) throw new Error("it is not an event of Event Grid");
  const events = Array.isArray(parsed.data) ? parsed.data : [parsed.data];
  return events.map((event) => hintFrom(event, container));
}

function hintFrom(event: z.infer<typeof Event>, container: string): ChangeHint {
  const subject = SUBJECT.exec(event.subject);
  const [, from, key] = subject ?? [];
  if (from === undefined || key === undefined) throw new Error("it is not about a blob");
  if (from !== container) throw new Error(`it is about the container ${from}, not ${container}`);
  const atMs = Date.parse(event.eventTime);
  if (Number.isNaN(atMs)) throw new Error("its time is not understood");
  const kind = event.eventType === "Microsoft.Storage.BlobDeleted" ? "deleted" : "written";
  return { key, kind, sequencer: event.data.sequencer ?? null, atMs };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
}
