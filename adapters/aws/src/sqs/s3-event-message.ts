/**
 * What S3 puts on a queue when an object changes: its own event message, the same in an SNS envelope,
 * or an EventBridge event. Sources: "Event message structure", "EventBridge event message structure".
 */
import type { ChangeHint } from "@cloudphoenix/objects";
import { z } from "zod";

const Records = z.object({
  Records: z.array(
    z.object({
      eventName: z.string(),
      eventTime: z.string(),
      s3: z.object({
        bucket: z.object({ name: z.string() }),
        object: z.object({ key: z.string(), sequencer: z.string().optional() }),
      }),
    }),
  ),
});
const Bridge = z.object({
  source: z.literal("aws.s3"),
  "detail-type": z.string(),
  time: z.string(),
  detail: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({ key: z.string(), sequencer: z.string().optional() }),
  }),
});
const Envelope = z.object({ Type: z.literal("Notification"), Message: z.string() });
/** Sent once when a bucket is connected with a queue. */
const Test = z.object({ Event: z.literal("s3:TestEvent") });

/** Hints in a message's text. @throws {Error} saying why it is not understood */
export function readS3EventMessage(text: string, bucket: string): readonly ChangeHint[] {
  const value = jsonOf(text);
  const envelope = Envelope.safeParse(value);
  return readEvent(envelope.success ? jsonOf(envelope.data.Message) : value, bucket);
}

function readEvent(value: unknown, bucket: string): readonly ChangeHint[] {
  if (Test.safeParse(value).success) return [];
  const records = Records.safeParse(value);
  if (records.success) {
    return records.data.Records.map(({ eventName, eventTime, s3 }) =>
      hintFrom(
        // Event messages escape keys as forms do; a key that is no such text is kept as it is.
        { name: eventName, time: eventTime, from: s3.bucket.name, key: unescapeKey(s3.object.key) },
        s3.object.sequencer,
        bucket,
      ),
    );
  }
  const bridge = Bridge.safeParse(value);
  if (!bridge.success) throw new Error("it is not an event of S3");
  const { detail, time } = bridge.data;
  const { key, sequencer } = detail.object;
  const event = { name: bridge.data["detail-type"], time, from: detail.bucket.name, key };
  return [hintFrom(event, sequencer, bucket)];
}

interface Event {
  readonly name: string;
  readonly time: string;
  /** The bucket. */
  readonly from: string;
  readonly key: string;
}

function hintFrom(event: Event, sequencer: string | undefined, bucket: string): ChangeHint {
  const { name, from, key } = event;
  if (from !== bucket) throw new Error(`it is about the bucket ${from}, not ${bucket}`);
  const atMs = Date.parse(event.time);
  if (Number.isNaN(atMs)) throw new Error("its time is not understood");
  const deleted = /^(?:s3:)?(?:ObjectRemoved|LifecycleExpiration):|^Object Deleted$/.test(name);
  return { key, kind: deleted ? "deleted" : "written", sequencer: sequencer ?? null, atMs };
}

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
}
