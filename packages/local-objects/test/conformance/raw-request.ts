/** Signed requests made by hand, for what a well-behaved client never sends. */
import { createHash, hash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { percentEncode, percentEncodePath } from "../../src/percent-encoding.ts";
import {
  EMPTY_SHA256,
  scopeText,
  sign,
  signingKey,
  stringToSign,
} from "../../src/signature/canonical-request.ts";
import type { ConformanceTarget } from "./target.ts";

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** Of the error document. */
  readonly code: string | null;
}

export interface RawRequest {
  readonly method: string;
  readonly key: string;
  readonly query?: readonly (readonly [string, string])[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Default: the hash of the body. */
  readonly payloadHash?: string;
  /** Default: now. */
  readonly at?: Date;
  readonly secret?: string;
  readonly accessKeyId?: string;
  readonly region?: string;
  /** Added after signing. */
  readonly unsignedHeaders?: Readonly<Record<string, string>>;
  /** Close the connection after so many bytes of the body. */
  readonly stopAfterBytes?: number;
}

/** What a chain of chunk signatures hangs on. */
export interface RawSeed {
  readonly amzDate: string;
  readonly scope: string;
  readonly key: Buffer;
  readonly signature: string;
}

interface Prepared {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly seed: RawSeed;
}

function amzDateOf(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d{3}/gu, "");
}

/** Signs in the header. */
export function prepare(target: ConformanceTarget, raw: RawRequest): Prepared {
  const url = new URL(target.endpoint);
  const amzDate = amzDateOf(raw.at ?? new Date());
  const scope = {
    date: amzDate.slice(0, 8),
    region: raw.region ?? target.region,
    service: "s3",
  };
  const payloadHash = raw.payloadHash ?? hash("sha256", raw.body ?? "");
  const headers: Record<string, string> = {
    host: url.host,
    "x-amz-content-sha256": payloadHash,
    "x-amz-date": amzDate,
    ...raw.headers,
  };
  if (target.credentials.sessionToken !== undefined) {
    headers["x-amz-security-token"] = target.credentials.sessionToken;
  }
  const path = `/${target.bucket}/${raw.key}`;
  const signedHeaders = Object.keys(headers).toSorted();
  const text = stringToSign(
    {
      method: raw.method,
      path,
      query: raw.query ?? [],
      signedHeaders,
      header: (name) => headers[name],
      payloadHash,
    },
    amzDate,
    scope,
  );
  const key = signingKey(raw.secret ?? target.credentials.secretAccessKey, scope);
  const signature = sign(key, text);
  const accessKeyId = raw.accessKeyId ?? target.credentials.accessKeyId;
  headers["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scopeText(scope)}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`;
  const query = (raw.query ?? []).map(([n, v]) => `${percentEncode(n)}=${percentEncode(v)}`);
  return {
    path: percentEncodePath(path) + (query.length === 0 ? "" : `?${query.join("&")}`),
    headers: { ...headers, ...raw.unsignedHeaders },
    seed: { amzDate, scope: scopeText(scope), key, signature },
  };
}

/** A link that whoever has it may follow for a while. */
export function presign(
  target: ConformanceTarget,
  raw: { method: string; key: string; at?: Date; expiresS?: number; secret?: string },
): string {
  const url = new URL(target.endpoint);
  const amzDate = amzDateOf(raw.at ?? new Date());
  const scope = { date: amzDate.slice(0, 8), region: target.region, service: "s3" };
  const { accessKeyId, secretAccessKey, sessionToken } = target.credentials;
  const query: [string, string][] = [
    ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
    ["X-Amz-Credential", `${accessKeyId}/${scopeText(scope)}`],
    ["X-Amz-Date", amzDate],
    ["X-Amz-Expires", String(raw.expiresS ?? 60)],
    ["X-Amz-SignedHeaders", "host"],
    ...(sessionToken === undefined
      ? []
      : [["X-Amz-Security-Token", sessionToken] as [string, string]]),
  ];
  const path = `/${target.bucket}/${raw.key}`;
  const text = stringToSign(
    {
      method: raw.method,
      path,
      query,
      signedHeaders: ["host"],
      header: () => url.host,
      payloadHash: "UNSIGNED-PAYLOAD",
    },
    amzDate,
    scope,
  );
  query.push(["X-Amz-Signature", sign(signingKey(raw.secret ?? secretAccessKey, scope), text)]);
  const search = query.map(([n, v]) => `${percentEncode(n)}=${percentEncode(v)}`).join("&");
  return `${url.origin}${percentEncodePath(path)}?${search}`;
}

/** Sends it; null if the connection ended without an answer. */
export async function send(target: ConformanceTarget, raw: RawRequest): Promise<RawAnswer | null> {
  return transmit(target, prepare(target, raw), raw);
}

/** Sends what was prepared, with the body of `raw`. */
export async function transmit(
  target: ConformanceTarget,
  { path, headers }: Prepared,
  raw: Pick<RawRequest, "body" | "method" | "stopAfterBytes">,
): Promise<RawAnswer | null> {
  const url = new URL(target.endpoint);
  const { body = Buffer.alloc(0), method, stopAfterBytes } = raw;
  const start = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const outgoing = start({
      host: url.hostname,
      port: url.port,
      method,
      path,
      headers: { "content-length": String(body.length), ...headers },
      agent: false,
    });
    outgoing.on("error", () => resolve(null));
    outgoing.on("response", (incoming) => {
      const blocks: Buffer[] = [];
      incoming.on("data", (block: Buffer) => blocks.push(block));
      incoming.on("error", () => resolve(null));
      incoming.on("end", () => {
        const text = Buffer.concat(blocks).toString("utf8");
        const code = /<Code>(\w+)<\/Code>/u.exec(text)?.[1] ?? null;
        const status = incoming.statusCode ?? 0;
        resolve({ status, headers: incoming.headers, body: text, code });
      });
    });
    if (stopAfterBytes === undefined) outgoing.end(body);
    else outgoing.write(body.subarray(0, stopAfterBytes), () => outgoing.destroy());
  });
}

/** A body in signed chunks; `tamper` may change what goes over the wire after signing. */
export function signedChunks(
  seed: RawSeed,
  chunks: readonly Buffer[],
  trailer: readonly (readonly [string, string])[] = [],
): Buffer {
  let previous = seed.signature;
  const next = (kind: string, hashes: readonly string[]): string => {
    const text = [kind, seed.amzDate, seed.scope, previous, ...hashes].join("\n");
    previous = sign(seed.key, text);
    return previous;
  };
  const pieces = [...chunks, Buffer.alloc(0)].map((chunk) => {
    const sha256 = createHash("sha256").update(chunk).digest("hex");
    const signature = next("AWS4-HMAC-SHA256-PAYLOAD", [EMPTY_SHA256, sha256]);
    const head = `${chunk.length.toString(16)};chunk-signature=${signature}\r\n`;
    return Buffer.concat([Buffer.from(head), chunk, Buffer.from(chunk.length === 0 ? "" : "\r\n")]);
  });
  if (trailer.length > 0) {
    const lines = trailer.map(([name, value]) => `${name}:${value}`);
    const sha256 = hash("sha256", lines.map((line) => `${line}\n`).join(""));
    const signature = next("AWS4-HMAC-SHA256-TRAILER", [sha256]);
    for (const line of [...lines, `x-amz-trailer-signature:${signature}`]) {
      pieces.push(Buffer.from(`${line}\r\n`));
    }
  }
  return Buffer.concat([...pieces, Buffer.from("\r\n")]);
}

/** A body in unsigned chunks with a trailer. */
export function plainChunks(
  chunks: readonly Buffer[],
  trailer: readonly (readonly [string, string])[],
): Buffer {
  const pieces = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from("\r\n"),
  ]);
  const lines = trailer.map(([name, value]) => Buffer.from(`${name}:${value}\r\n`));
  return Buffer.concat([...pieces, Buffer.from("0\r\n"), ...lines, Buffer.from("\r\n")]);
}
