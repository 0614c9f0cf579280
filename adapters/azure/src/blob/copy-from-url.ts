/**
 * Put Blob From URL: the service reads the bytes itself and compares their MD5 before it keeps them.
 *
 * The URL is a key to somebody else's object: nothing the service says in words is passed on, since a refusal
 * may repeat it. Which refusals are about the source is told by their code, not by their status: a source's 403
 * comes as a 403. (Docs: "Put Blob From URL", "Blob Storage error codes".)
 */
import type { UrlCopyOutcome, UrlSource, WriteRequest } from "@cloudphoenix/objects";
import {
  base64ToHex,
  etagOf,
  hexToBase64,
  readRefusal,
  refusalError,
  type StoreRefusal,
  type WireAnswer,
} from "@cloudphoenix/objects/wire";
import type { StorageCall, StorageClient } from "../storage-client.ts";
import { checkBlobKey } from "./blob-keys.ts";
import { headersToWrite } from "./blob-properties.ts";

export interface CopyFromUrlOptions {
  readonly address: string;
  readonly tags: boolean;
  /** Whether requests to the service are encrypted. */
  readonly encrypted: boolean;
}

/** See `ObjectStore.copyFromUrl`. */
export async function copyFromUrl(
  client: StorageClient,
  options: CopyFromUrlOptions,
  request: WriteRequest,
  { url, md5, sizeBytes, validMs, signal }: UrlSource & { readonly signal: AbortSignal },
): Promise<UrlCopyOutcome> {
  const { key } = request;
  checkBlobKey(key);
  if (!options.encrypted && url.reveal().startsWith("https:")) {
    return { kind: "unreadable", because: "the URL would travel unencrypted" };
  }
  const call: StorageCall = {
    method: "PUT",
    key,
    query: "",
    headers: {
      ...headersToWrite(request, md5, options.tags),
      "x-ms-blob-type": "BlockBlob",
      "x-ms-copy-source": url.reveal(),
      // Else the service adds what the source's host answers with to the properties given here.
      "x-ms-copy-source-blob-properties": "false",
      "x-ms-source-content-md5": hexToBase64(md5),
    },
    patienceMs: validMs,
    doing: `having ${key} copied from its source`,
    notFound: "OBJECT_GONE",
  };
  const answer = await client.tryCall(call, signal);
  if (answer.status >= 300) {
    const refusal = await readRefusal(client.transport, answer, signal);
    return outcomeOf(refusal, answer) ?? raise(refusal, call, options);
  }
  answer.body.resume();
  const etag = etagOf(answer.headers);
  const stored = answer.headers["content-md5"];
  if (typeof stored === "string" && base64ToHex(stored) === md5) {
    return { kind: "stored", stored: { etag, sizeBytes } };
  }
  await remove(client, { key, etag }, signal);
  return stored === undefined
    ? { kind: "unreadable", because: "the service does not say which MD5 it computed" }
    : { kind: "otherBytes" };
}

/** Null: the refusal is not about the source. */
function outcomeOf({ status, code }: StoreRefusal, answer: WireAnswer): UrlCopyOutcome | null {
  if (code === "Md5Mismatch") return { kind: "otherBytes" };
  const atSource = answer.headers["x-ms-copy-source-status-code"];
  const isAboutSource = code === "CannotVerifyCopySource" || atSource !== undefined;
  if (!isAboutSource && !NOT_OFFERED.has(code) && status !== 501) return null;
  const named = [String(status), ...(code === "" ? [] : [code])].join(" ");
  const told = typeof atSource === "string" ? `; the source answered with ${atSource}` : "";
  return { kind: "unreadable", because: `${named}${told}` };
}

/** The service, or this account, does not do it at all, or not with such a URL. */
const NOT_OFFERED: ReadonlySet<string> = new Set([
  "FeatureNotSupportedByStorageAccount",
  "InvalidHeaderValue",
  "NotImplemented",
  "UnsupportedHeader",
]);

function raise(refusal: StoreRefusal, call: StorageCall, { address }: CopyFromUrlOptions): never {
  const { doing, notFound } = call;
  throw refusalError({ ...refusal, message: "" }, { address, doing, notFound });
}

/** What was not verified must not stay. */
async function remove(
  client: StorageClient,
  { key, etag }: { readonly key: string; readonly etag: string },
  signal: AbortSignal,
): Promise<void> {
  await client.done(
    {
      method: "DELETE",
      key,
      query: "",
      headers: { "if-match": `"${etag}"` },
      doing: `taking back ${key}`,
      notFound: "OBJECT_GONE",
    },
    signal,
  );
}
