/** One request to the S3 server, with its address taken apart. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { percentDecode, queryDecode } from "../percent-encoding.ts";
import { S3Error } from "./s3-error.ts";

const KEY_MAX_BYTES = 1024;

/** The parameters behind the question mark, decoded. */
class Query {
  readonly pairs: readonly (readonly [name: string, value: string])[];

  constructor(pairs: readonly (readonly [name: string, value: string])[]) {
    this.pairs = pairs;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  get(name: string): string | undefined {
    return this.pairs.find(([candidate]) => candidate === name)?.[1];
  }
}

export interface S3Request {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly requestId: string;
  readonly method: string;
  /** Decoded, as signed: with the bucket in it only if the bucket was addressed there. */
  readonly path: string;
  readonly query: Query;
  /** Null for the service itself. */
  readonly bucket: string | null;
  /** Null for the bucket itself. */
  readonly key: string | null;
  /** Whether the client waits to be told before it sends the body. */
  readonly expectsContinue: boolean;
}

/** Value of a header by its lower-case name. */
export function headerOf({ incoming }: S3Request, name: string): string | undefined {
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

export interface RequestFrame {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly requestId: string;
  readonly expectsContinue: boolean;
}

/**
 * Takes the address apart: `/bucket/key`, or `/key` where the host is `bucket.<one of hostSuffixes>`.
 * @throws {S3Error} `InvalidURI`, `KeyTooLongError`
 */
export function readRequest(frame: RequestFrame, hostSuffixes: readonly string[]): S3Request {
  const { url = "/", method = "GET" } = frame.incoming;
  const questionMark = url.indexOf("?");
  const path = percentDecode(questionMark < 0 ? url : url.slice(0, questionMark));
  if (path === null || !path.startsWith("/")) throw new S3Error("InvalidURI");
  const query = questionMark < 0 ? new Query([]) : readQuery(url.slice(questionMark + 1));
  const target = targetOf(path, bucketOfHost(frame.incoming.headers.host ?? "", hostSuffixes));
  if (target.key !== null && Buffer.byteLength(target.key) > KEY_MAX_BYTES) {
    const size = String(Buffer.byteLength(target.key));
    const details = { Size: size, MaxSizeAllowed: String(KEY_MAX_BYTES) };
    throw new S3Error("KeyTooLongError", { details });
  }
  return { ...frame, method, path, query, ...target };
}

interface Target {
  readonly bucket: string | null;
  readonly key: string | null;
}

function targetOf(path: string, hostBucket: string | null): Target {
  const rest = path.slice(1);
  if (hostBucket !== null) return { bucket: hostBucket, key: rest === "" ? null : rest };
  if (rest === "") return { bucket: null, key: null };
  const slash = rest.indexOf("/");
  if (slash < 0) return { bucket: rest, key: null };
  const key = rest.slice(slash + 1);
  return { bucket: rest.slice(0, slash), key: key === "" ? null : key };
}

function bucketOfHost(host: string, suffixes: readonly string[]): string | null {
  const name = host.replace(/:\d+$/u, "").toLowerCase();
  const suffix = suffixes.find((candidate) => name.endsWith(`.${candidate}`));
  return suffix === undefined ? null : name.slice(0, -suffix.length - 1);
}

function readQuery(text: string): Query {
  const pairs = text
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      const name = queryDecode(equals < 0 ? pair : pair.slice(0, equals));
      const value = queryDecode(equals < 0 ? "" : pair.slice(equals + 1));
      if (name === null || value === null) throw new S3Error("InvalidURI");
      return [name, value] as const;
    });
  return new Query(pairs);
}
