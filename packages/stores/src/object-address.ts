/**
 * Where objects are, as it is typed: `s3://bucket/prefix?region=…&endpoint=…` and
 * `azblob://account/container/prefix?endpoint=…`.
 *
 * A prefix is a folder: `receipts` means every key that begins with `receipts/`. Secrets have no place
 * in an address (it ends up in process lists and shell histories); files that hold them may be named.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";

interface AnyAddress {
  /** Empty, or ending in `/`. */
  readonly prefix: string;
  /** A server other than the cloud's own. */
  readonly endpoint: URL | null;
  /** A file with the credentials; null takes the cloud's own chain. */
  readonly credentialsFile: string | null;
  readonly tags: boolean;
}

export interface S3Address extends AnyAddress {
  readonly kind: "s3";
  readonly bucket: string;
  readonly region: string | null;
}

export interface BlobAddress extends AnyAddress {
  readonly kind: "azblob";
  readonly account: string;
  readonly container: string;
}

export type ObjectAddress = S3Address | BlobAddress;

const FORMS =
  "s3://bucket/prefix?region=eu-central-1 or azblob://account/container/prefix; see docs/guides/sync-objects.md";

const COMMON_PARAMETERS = ["endpoint", "credentials-file", "tags"];

/** @throws {CloudPhoenixError} `BAD_REQUEST`, naming what is wrong without repeating a secret */
export function parseObjectAddress(text: string): ObjectAddress {
  const url = URL.parse(text);
  if (url?.protocol === "s3:") return s3Address(url);
  if (url?.protocol === "azblob:") return blobAddress(url);
  throw bad(`${firstWord(text)} is not the address of a store`, `Write ${FORMS}.`);
}

function s3Address(url: URL): S3Address {
  const common = commonParts(url, [...COMMON_PARAMETERS, "region"]);
  return {
    kind: "s3",
    bucket: url.host,
    region: url.searchParams.get("region"),
    prefix: folder(segmentsOf(url)),
    ...common,
  };
}

function blobAddress(url: URL): BlobAddress {
  const common = commonParts(url, COMMON_PARAMETERS);
  const [container, ...prefix] = segmentsOf(url);
  if (container === undefined || container === "") {
    throw bad(`${url.host} is an account; its container is missing`, `Write ${FORMS}.`);
  }
  return { kind: "azblob", account: url.host, container, prefix: folder(prefix), ...common };
}

function commonParts(
  url: URL,
  known: readonly string[],
): Pick<AnyAddress, "endpoint" | "credentialsFile" | "tags"> {
  if (url.username !== "" || url.password !== "" || url.searchParams.has("sig")) {
    throw bad(
      `the address of ${url.host} carries a secret`,
      "Take it out, consider it known to others, and name a file with credentials-file=… instead.",
    );
  }
  if (url.host === "") throw bad("the address names no bucket or account", `Write ${FORMS}.`);
  for (const name of url.searchParams.keys()) {
    if (!known.includes(name)) {
      throw bad(`the address of ${url.host} has ?${name}=…`, `Use one of: ${known.join(", ")}.`);
    }
  }
  return {
    endpoint: endpointOf(url),
    credentialsFile: url.searchParams.get("credentials-file"),
    tags: url.searchParams.get("tags") !== "off",
  };
}

function endpointOf(url: URL): URL | null {
  const text = url.searchParams.get("endpoint");
  if (text === null) return null;
  const endpoint = URL.parse(text);
  if (endpoint !== null && /^https?:$/.test(endpoint.protocol)) return endpoint;
  throw bad(`the endpoint of ${url.host} is not an http(s) address`, "Write endpoint=https://….");
}

function segmentsOf(url: URL): readonly string[] {
  // The path as typed: URL has escaped it, and has no opinion on what a key may hold.
  return decodeURIComponent(url.pathname).replace(/^\//, "").split("/");
}

function folder(segments: readonly string[]): string {
  const path = segments.join("/");
  return path === "" || path.endsWith("/") ? path : `${path}/`;
}

/** Enough of what was typed to recognise it, and nothing behind a `?` or an `@`. */
function firstWord(text: string): string {
  return JSON.stringify(text.split(/[?@]/)[0] ?? "");
}

function bad(message: string, hint: string): CloudPhoenixError {
  return new CloudPhoenixError("BAD_REQUEST", message, { retryable: false, hint });
}
