/** Tells queues what happened to objects, in the JSON that S3 sends. */
import { listingEncode } from "../percent-encoding.ts";
import type { ObjectEvent } from "../s3/call.ts";
import type { NotificationRule } from "../store/records.ts";
import type { QueueRegistry } from "./queue-registry.ts";

export interface EventOrigin {
  readonly region: string;
  readonly ownerId: string;
}

/** Sends the event to every queue whose rule matches. */
export function publishEvent(queues: QueueRegistry, event: ObjectEvent, origin: EventOrigin): void {
  for (const rule of event.rules) {
    if (!matches(rule, event)) continue;
    const record = recordOf(event, rule.id, origin);
    queues.byArn(rule.queueArn)?.send(JSON.stringify({ Records: [record] }));
  }
}

/** What S3 sends to a queue once when it is made a destination. */
export function testEvent(bucket: string, atMs: number): string {
  return JSON.stringify({
    Service: "Amazon S3",
    Event: "s3:TestEvent",
    Time: new Date(atMs).toISOString(),
    Bucket: bucket,
    RequestId: "local-objects",
    HostId: "local-objects",
  });
}

function matches(rule: NotificationRule, { name, version: { key } }: ObjectEvent): boolean {
  const isMeant = rule.events.some(
    (pattern) =>
      pattern === `s3:${name}` ||
      (pattern.endsWith("*") && `s3:${name}`.startsWith(pattern.slice(0, -1))),
  );
  return isMeant && key.startsWith(rule.prefix) && key.endsWith(rule.suffix);
}

function recordOf(event: ObjectEvent, configurationId: string, origin: EventOrigin): object {
  const { version, isVersioned, name } = event;
  const principal = { principalId: origin.ownerId };
  const hasContent = name.startsWith("ObjectCreated:");
  return {
    eventVersion: "2.1",
    eventSource: "aws:s3",
    awsRegion: origin.region,
    eventTime: new Date(event.atMs).toISOString(),
    eventName: name,
    userIdentity: principal,
    requestParameters: { sourceIPAddress: event.clientAddress },
    responseElements: { "x-amz-request-id": event.requestId, "x-amz-id-2": "local-objects" },
    s3: {
      s3SchemaVersion: "1.0",
      configurationId,
      bucket: {
        name: event.bucket,
        ownerIdentity: principal,
        arn: `arn:aws:s3:::${event.bucket}`,
      },
      object: {
        key: listingEncode(version.key),
        ...(hasContent ? { size: version.sizeBytes, eTag: version.etag } : {}),
        ...(isVersioned ? { versionId: version.versionId } : {}),
        sequencer: version.sequence.toString(16).toUpperCase().padStart(18, "0"),
      },
    },
  };
}
