/** What an operator should know about a bucket before anything is copied. */
import type { StoreFinding } from "@cloudphoenix/objects";
import { childText, parseXml } from "@cloudphoenix/objects/wire";
import type { S3Call, S3Client } from "./s3-client.ts";

const ANSWER_MAX_BYTES = 256 * 1024;

export interface BucketState {
  readonly findings: readonly StoreFinding[];
  readonly keepsDeleted: boolean;
  readonly tagsHidden: boolean;
}

/**
 * Looks at the bucket's place, rights and versioning, and, if `tags` is set, whether tags can be seen. What may not be looked at is a warning.
 * @throws {CloudPhoenixError} if the bucket cannot be used or listed
 */
export async function inspectBucket(
  client: S3Client,
  store: { readonly address: string; readonly region: string; readonly tags: boolean },
  signal: AbortSignal,
): Promise<BucketState> {
  const { address, region } = store;
  const findings: StoreFinding[] = [];
  const { "x-amz-bucket-region": home } = await client.done(callTo("HEAD", {}, "looking"), signal);
  if (typeof home === "string" && home !== region) {
    findings.push({
      severity: "refuse",
      message: `${address} is in ${home}, not in ${region}`,
      hint: `Set its region to ${home}.`,
    });
  }
  await client.done(callTo("GET", { "list-type": "2", "max-keys": "1" }, "listing"), signal);
  const versioning = await readSetting(client, "versioning", signal);
  const status = versioning === null ? null : childText(versioning, "Status");
  if (status === null) {
    findings.push({
      severity: "warn",
      message: `whether ${address} keeps deleted objects cannot be seen with these rights`,
      hint: "Grant s3:GetBucketVersioning, or check versioning by hand.",
    });
  } else if (status !== "Enabled") {
    findings.push({
      severity: "warn",
      message: `versioning is off: what is deleted or overwritten in ${address} is gone`,
      hint: "Turn on versioning, with a lifecycle rule for old versions.",
    });
  }
  const tagsHidden = store.tags && (await areTagsHidden(client, signal));
  if (tagsHidden) {
    findings.push({
      severity: "warn",
      asSource: true,
      message: `whether objects in ${address} have tags cannot be seen with these rights: they would be copied without`,
      hint: "Grant s3:GetObjectTagging, or add tags=off to the address if that is meant.",
    });
  }
  return { findings, keepsDeleted: status === "Enabled", tagsHidden };
}

/**
 * S3 leaves the number of tags out of its answers where the right to read them is missing, as it does where there
 * are none. The question for a key that is not there tells: 403 without the right, 404 with it.
 */
async function areTagsHidden(client: S3Client, signal: AbortSignal): Promise<boolean> {
  const call: S3Call = {
    ...callTo("GET", { tagging: "" }, "looking whether tags can be read"),
    key: ".cloudphoenix/no-such-object",
  };
  const answer = await client.tryCall(call, signal);
  if (answer.status === 200 || answer.status === 404) {
    answer.body.resume();
    return false;
  }
  const refused = await client.refuse(answer, call, signal);
  if (refused.code === "OBJECT_STORE_DENIED" && !refused.retryable) return true;
  throw refused;
}

/**
 * Whether objects are stored so that their ETag is the MD5 of their content (if stored in one piece).
 * False if the bucket encrypts with KMS, or if that may not be looked at.
 */
export async function etagsAreMd5(client: S3Client, signal: AbortSignal): Promise<boolean> {
  const call: S3Call = {
    ...callTo("GET", { encryption: "" }, "looking at the encryption"),
    notFound: "OBJECT_REFUSED",
  };
  const answer = await client.tryCall(call, signal);
  if (answer.status < 300) {
    const body = await client.transport.collect(answer, ANSWER_MAX_BYTES, signal);
    return !/<SSEAlgorithm>\s*aws:kms/.test(body.toString("utf8"));
  }
  const refused = await client.refuse(answer, call, signal);
  if (refused.retryable && answer.status !== 501) throw refused;
  // AWS always has the setting since 2023; a server without it encrypts nothing.
  return answer.status === 404 && refused.code !== "NOT_FOUND";
}

/** Null if it may not be read. */
async function readSetting(
  client: S3Client,
  setting: string,
  signal: AbortSignal,
): Promise<ReturnType<typeof parseXml>> {
  const call = callTo("GET", { [setting]: "" }, `looking at the ${setting}`);
  const answer = await client.tryCall(call, signal);
  if (answer.status === 403) {
    answer.body.resume();
    return null;
  }
  if (answer.status >= 300) throw await client.refuse(answer, call, signal);
  const body = await client.transport.collect(answer, ANSWER_MAX_BYTES, signal);
  return parseXml(body.toString("utf8"));
}

function callTo(
  method: S3Call["method"],
  query: Readonly<Record<string, string>>,
  doing: string,
): S3Call {
  return { method, key: null, query, doing: `${doing} (bucket)`, notFound: "NOT_FOUND" };
}
