/** Pages of a container's listing, in the order of the keys' UTF-8 bytes. */
import { compareKeys, type ListRequest, type ObjectEntry } from "@cloudphoenix/objects";
import {
  base64ToHex,
  brokenListing,
  child,
  childText,
  decodeHeaderText,
  parseXml,
  STAMP_NAME,
  unquote,
  type XmlElement,
} from "@cloudphoenix/objects/wire";
import type { StorageClient } from "../storage-client.ts";
import { Utf8Order, utf16StartFor } from "./utf8-order.ts";

/** 5,000 entries with metadata at its limit of 8 KiB each, escaped. */
const PAGE_MAX_BYTES = 128 * 1024 * 1024;

/** @throws {CloudPhoenixError} `LISTING_BROKEN` for an answer that is no listing, and as `StorageClient.call` */
export async function* listBlobs(
  client: StorageClient,
  request: ListRequest,
  options: { readonly pageSize: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly ObjectEntry[], void, void> {
  const { after } = request;
  const order = new Utf8Order<ObjectEntry>();
  let marker = "";
  do {
    const page = await readPage(client, queryOf(request, marker, options.pageSize), options.signal);
    const sorted = order.push(page.entries);
    const wanted =
      after === undefined ? sorted : sorted.filter(({ key }) => compareKeys(key, after) > 0);
    if (wanted.length > 0) yield wanted;
    if (page.next !== "" && page.next === marker)
      throw brokenListing("the same page would come again");
    marker = page.next;
  } while (marker !== "");
  const last = order.flush();
  const wanted = after === undefined ? last : last.filter(({ key }) => compareKeys(key, after) > 0);
  if (wanted.length > 0) yield wanted;
}

function queryOf(request: ListRequest, marker: string, pageSize: number): string {
  const parameters = ["?restype=container&comp=list&include=metadata", `maxresults=${pageSize}`];
  // An empty parameter would be signed by one side only.
  if (request.prefix !== "") parameters.push(`prefix=${encodeURIComponent(request.prefix)}`);
  if (marker !== "") parameters.push(`marker=${encodeURIComponent(marker)}`);
  const start = utf16StartFor(request.after ?? "");
  if (start !== "" && marker === "") parameters.push(`startFrom=${encodeURIComponent(start)}`);
  return parameters.join("&");
}

interface Page {
  readonly entries: readonly ObjectEntry[];
  /** Empty after the last page. */
  readonly next: string;
}

async function readPage(client: StorageClient, query: string, signal: AbortSignal): Promise<Page> {
  const answer = await client.call(
    { method: "GET", key: null, query, doing: "listing", notFound: "NOT_FOUND" },
    signal,
  );
  const body = await client.transport.collect(answer, PAGE_MAX_BYTES, signal);
  const root = parseXml(body.toString("utf8").replace(/^\ufeff/, ""));
  const blobs = root === null ? undefined : child(root, "Blobs");
  const next = root === null ? undefined : childText(root, "NextMarker");
  if (blobs === undefined || next === undefined)
    throw brokenListing("the answer is not a whole listing");
  return { entries: blobs.children.map(entryFrom), next };
}

function entryFrom(blob: XmlElement): ObjectEntry {
  const name = child(blob, "Name");
  const properties = child(blob, "Properties");
  const size = properties && childText(properties, "Content-Length");
  const etag = properties && childText(properties, "Etag");
  if (name === undefined || properties === undefined || size === undefined || etag === undefined) {
    throw brokenListing("an entry lacks its name, size or ETag");
  }
  const md5 = childText(properties, "Content-MD5") ?? "";
  return {
    key: /Encoded="true"/.test(name.attributes) ? decodeURIComponent(name.text) : name.text,
    sizeBytes: Number(size),
    etag: unquote(etag),
    modifiedMs: Date.parse(childText(properties, "Last-Modified") ?? ""),
    md5: md5 === "" ? null : base64ToHex(md5),
    stamp: stampOf(child(blob, "Metadata")),
  };
}

function stampOf(metadata: XmlElement | undefined): string | null {
  for (const field of metadata?.children ?? []) {
    if (field.name.toLowerCase() === STAMP_NAME) return decodeHeaderText(field.text);
  }
  return null;
}
