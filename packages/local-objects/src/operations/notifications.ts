/** Which queues hear of what happens in a bucket. */
import { receiveDocument } from "../body/receive-body.ts";
import { type Answer, bucketOf, callHeader, type S3Call, xmlAnswer } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { NotificationRule } from "../store/records.ts";
import { parseXml, type XmlElement } from "../xml/parse-xml.ts";
import { xmlDocument, type XmlNode } from "../xml/write-xml.ts";

const DOCUMENT_MAX_BYTES = 64 * 1024;
const RULES_MAX = 100;
const EVENT =
  /^s3:Object(?:Created:(?:\*|Put|Post|Copy|CompleteMultipartUpload)|Removed:(?:\*|Delete|DeleteMarkerCreated))$/u;

export function getBucketNotification(call: S3Call): Answer {
  const nodes = bucketOf(call).notifications.map(ruleNode);
  return xmlAnswer(xmlDocument("NotificationConfiguration", nodes));
}

function ruleNode(rule: NotificationRule): XmlNode {
  const filters: readonly (readonly [string, string])[] = [
    ["prefix", rule.prefix],
    ["suffix", rule.suffix],
  ];
  const rules = filters
    .filter(([, value]) => value !== "")
    .map(
      ([name, value]): XmlNode => [
        "FilterRule",
        [
          ["Name", name],
          ["Value", value],
        ],
      ],
    );
  return [
    "QueueConfiguration",
    [
      ["Id", rule.id],
      ["Queue", rule.queueArn],
      ...rule.events.map((event): XmlNode => ["Event", event]),
      rules.length === 0 ? null : ["Filter", [["S3Key", rules]]],
    ],
  ];
}

export async function putBucketNotification(call: S3Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const root = parseXml(await receiveDocument(call, { maxBytes: DOCUMENT_MAX_BYTES }));
  if (root?.name !== "NotificationConfiguration") throw new S3Error("MalformedXML");
  const foreign = root.children.find(({ name }) => name !== "QueueConfiguration");
  if (foreign !== undefined) {
    throw new S3Error("NotImplemented", {
      message: `${foreign.name} is not implemented: events go to queues only`,
    });
  }
  const rules = root.children.map((element, index) => ruleOf(element, index));
  if (rules.length > RULES_MAX) throw new S3Error("MalformedXML");
  requireQueues(call, rules);
  await call.services.database.commit({ type: "notifications", bucket: bucket.name, rules });
  for (const { queueArn } of rules) call.services.announce(bucket.name, queueArn);
  return { status: 200, headers: {} };
}

function ruleOf(element: XmlElement, index: number): NotificationRule {
  const queueArn = element.textOf("Queue");
  const events = element.all("Event").map(({ text }) => text);
  if (queueArn === undefined || events.length === 0) throw new S3Error("MalformedXML");
  const unknown = events.find((event) => !EVENT.test(event));
  if (unknown !== undefined) {
    throw new S3Error("InvalidArgument", {
      message: "The event is not supported for notifications",
      details: { ArgumentName: "Event", ArgumentValue: unknown },
    });
  }
  const filters = element.child("Filter")?.child("S3Key")?.all("FilterRule") ?? [];
  const valueOf = (name: string): string =>
    filters.find((rule) => rule.textOf("Name")?.toLowerCase() === name)?.textOf("Value") ?? "";
  return {
    id: element.textOf("Id") ?? `rule-${index + 1}`,
    queueArn,
    events,
    prefix: valueOf("prefix"),
    suffix: valueOf("suffix"),
  };
}

function requireQueues(call: S3Call, rules: readonly NotificationRule[]): void {
  if (callHeader(call, "x-amz-skip-destination-validation") === "true") return;
  const missing = rules.find(({ queueArn }) => !call.services.hasQueue(queueArn));
  if (missing === undefined) return;
  throw new S3Error("InvalidArgument", {
    message: "Unable to validate the following destination configurations",
    details: {
      ArgumentName1: missing.queueArn,
      ArgumentValue1: "The destination queue does not exist",
    },
  });
}
