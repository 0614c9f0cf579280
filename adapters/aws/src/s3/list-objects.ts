/** Pages of a bucket's listing. */
import type { ListRequest, ObjectEntry } from "@cloudphoenix/objects";
import {
  brokenListing,
  childText,
  parseXml,
  unquote,
  type XmlElement,
} from "@cloudphoenix/objects/wire";
import type { S3Client } from "./s3-client.ts";
import { md5OfEtag } from "./s3-properties.ts";

/** 1,000 entries with keys of 1,024 bytes, each byte escaped. */
const PAGE_MAX_BYTES = 16 * 1024 * 1024;

export interface ListOptions {
  readonly pageSize: number;
  /** Whether an ETag that looks like an MD5 is one. */
  readonly etagIsMd5: boolean;
  readonly signal: AbortSignal;
}

/** @throws {CloudPhoenixError} `LISTING_BROKEN` for an answer that is no listing, and as `S3Client.call` */
export async function* listObjects(
  client: S3Client,
  request: ListRequest,
  options: ListOptions,
): AsyncGenerator<readonly ObjectEntry[], void, void> {
  let token: string | null = null;
  do {
    const page = await readPage(client, queryOf(request, token, options.pageSize), options);
    if (page.entries.length > 0) yield page.entries;
    if (page.next !== null && page.next === token)
      throw brokenListing("the same page would come again");
    token = page.next;
  } while (token !== null);
}

function queryOf(
  request: ListRequest,
  token: string | null,
  pageSize: number,
): Record<string, string> {
  const query: Record<string, string> = {
    "list-type": "2",
    // Without it, keys with characters that XML cannot hold would break the answer.
    "encoding-type": "url",
    "max-keys": String(pageSize),
  };
  if (request.prefix !== "") query["prefix"] = request.prefix;
  if (token !== null) query["continuation-token"] = token;
  else if (request.after !== undefined && request.after !== "")
    query["start-after"] = request.after;
  return query;
}

interface Page {
  readonly entries: readonly ObjectEntry[];
  /** Null after the last page. */
  readonly next: string | null;
}

async function readPage(
  client: S3Client,
  query: Record<string, string>,
  { etagIsMd5, signal }: ListOptions,
): Promise<Page> {
  const call = {
    method: "GET",
    key: null,
    query,
    doing: "listing",
    notFound: "NOT_FOUND",
  } as const;
  const root = parseXml(await client.text(call, PAGE_MAX_BYTES, signal));
  if (root?.name !== "ListBucketResult") throw brokenListing("the answer is not a whole listing");
  const escaped = childText(root, "EncodingType") === "url";
  const entries: ObjectEntry[] = [];
  for (const element of root.children) {
    if (element.name === "Contents") entries.push(entryFrom(element, escaped, etagIsMd5));
  }
  const next = childText(root, "NextContinuationToken") ?? null;
  const truncated = childText(root, "IsTruncated");
  if (truncated === "false") return { entries, next: null };
  if (truncated !== "true" || next === null || next === "")
    throw brokenListing("its end is not told");
  return { entries, next };
}

function entryFrom(element: XmlElement, escaped: boolean, etagIsMd5: boolean): ObjectEntry {
  const key = childText(element, "Key");
  const size = childText(element, "Size");
  const etag = childText(element, "ETag");
  if (key === undefined || size === undefined || etag === undefined) {
    throw brokenListing("an entry lacks its key, size or ETag");
  }
  const bare = unquote(etag);
  return {
    key: escaped ? decodeURIComponent(key.replaceAll("+", " ")) : key,
    sizeBytes: Number(size),
    etag: bare,
    modifiedMs: Date.parse(childText(element, "LastModified") ?? ""),
    md5: etagIsMd5 ? md5OfEtag(bare) : null,
    stamp: null,
  };
}
