/**
 * Azurite with Put Blob From URL, which Azurite itself answers with 501.
 *
 * A server in front of it: every request goes on to Azurite as it came. What comes back as "not implemented" for a
 * Put Blob From URL has passed Azurite's check of the caller's signature; that one is done here as documented (read the
 * URL, compare `x-ms-source-content-md5`, take the properties) and written with a Put Blob signed by the
 * account's key, so conditions, names and tags are judged by Azurite.
 */
import { hash } from "node:crypto";
import http, { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { closeServer, listen } from "../process/http-server.ts";
import { xmlDocument } from "../xml/write-xml.ts";
import { type CopySource, readCopySource } from "./read-copy-source.ts";
import { sharedKeySignature } from "./shared-key.ts";
import type { Azurite } from "./start-azurite.ts";

/** A running front. */
export interface CopyFront {
  /** In place of Azurite's own, with the same account. */
  readonly blobEndpoint: string;
  /** Put Blob From URL requests that reached a source so far. */
  readonly sourcesRead: number;
  stop(): Promise<void>;
}

/** @param port - 0 takes any free one. @throws {LocalObjectsError} `PORT_TAKEN` */
export async function startCopyFront(
  azurite: Pick<Azurite, "blobEndpoint" | "accountName" | "accountKey">,
  port = 0,
): Promise<CopyFront> {
  const front = new Front(azurite);
  const server = createServer((request, response) => {
    front.handle(request, response).catch(() => response.destroy());
  });
  const listening = await listen(server, "127.0.0.1", port);
  return {
    blobEndpoint: `http://127.0.0.1:${listening}/${azurite.accountName}`,
    get sourcesRead() {
      return front.sourcesRead;
    },
    stop: async () => closeServer(server),
  };
}

type ReadSource = Extract<CopySource, { kind: "read" }>;

interface Refusal {
  readonly kind: "refusal";
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** What the source's host answered with. */
  readonly sourceStatus?: number;
}

/** Properties that a blob takes over from its source, unless the request says otherwise. */
const INHERITED = [
  "content-type",
  "content-encoding",
  "content-language",
  "content-disposition",
  "cache-control",
];

class Front {
  readonly #azurite: Pick<Azurite, "blobEndpoint" | "accountName" | "accountKey">;
  sourcesRead = 0;

  constructor(azurite: Pick<Azurite, "blobEndpoint" | "accountName" | "accountKey">) {
    this.#azurite = azurite;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const copySource = request.headers["x-ms-copy-source"];
    const answer = await this.#passOn(request);
    const isPutBlob = request.method === "PUT" && request.headers["x-ms-blob-type"] !== undefined;
    if (answer.statusCode !== 501 || !isPutBlob || typeof copySource !== "string") {
      relay(answer, response);
      return;
    }
    answer.resume();
    this.sourcesRead += 1;
    const expected = request.headers["x-ms-source-content-md5"];
    const source = judged(await readCopySource(copySource), expected);
    if (source.kind === "read") relay(await this.#write(request, source), response);
    else refuse(response, source);
  }

  #passOn(request: IncomingMessage): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { method, url, headers } = request;
      const onward = http.request(this.#origin(), { method, path: url, headers }, resolve);
      onward.once("error", reject);
      request.pipe(onward);
    });
  }

  #write(request: IncomingMessage, source: ReadSource): Promise<IncomingMessage> {
    const { accountName: name, accountKey: key } = this.#azurite;
    const path = request.url?.split("?", 1)[0] ?? "/";
    const { bytes } = source;
    const headers: Record<string, string> = {
      ...propertiesOf(request.headers, source.headers),
      "content-length": String(bytes.length),
      "x-ms-date": new Date().toUTCString(),
    };
    headers["authorization"] = sharedKeySignature({ method: "PUT", path, headers }, { name, key });
    return new Promise((resolve, reject) => {
      const sent = http.request(this.#origin(), { method: "PUT", path, headers }, resolve);
      sent.once("error", reject);
      sent.end(bytes);
    });
  }

  #origin(): string {
    return new URL(this.#azurite.blobEndpoint).origin;
  }
}

/** Headers of the Put Blob that a Put Blob From URL amounts to. */
function propertiesOf(
  asked: http.IncomingHttpHeaders,
  source: http.IncomingHttpHeaders,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(asked)) {
    const isOwn = name.startsWith("x-ms-") && !/^x-ms-(copy-)?source/.test(name);
    if ((isOwn || name.startsWith("if-")) && typeof value === "string") headers[name] = value;
  }
  if (asked["x-ms-copy-source-blob-properties"] === "false") return headers;
  for (const name of INHERITED) {
    const value = source[name];
    if (typeof value === "string") headers[`x-ms-blob-${name}`] ??= value;
  }
  return headers;
}

/** What may be stored, or why nothing is. */
function judged(source: CopySource, md5: string | string[] | undefined): ReadSource | Refusal {
  const kind = "refusal";
  if (source.kind === "refused") {
    const { status, reason: message } = source;
    return { kind, status, code: "CannotVerifyCopySource", message, sourceStatus: status };
  }
  if (source.kind === "silent") {
    const message = "Could not verify the copy source within the specified time.";
    return { kind, status: 500, code: "CannotVerifyCopySource", message };
  }
  if (md5 === undefined || hash("md5", source.bytes, "base64") === md5) return source;
  const message = "The MD5 value specified in the request did not match with the one calculated.";
  return { kind, status: 400, code: "Md5Mismatch", message };
}

function refuse(response: ServerResponse, refusal: Refusal): void {
  const { status, code, message, sourceStatus } = refusal;
  const content = [
    ["Code", code],
    ["Message", message],
  ] as const;
  const body = xmlDocument("Error", content, false);
  response.writeHead(status, {
    "content-type": "application/xml",
    "content-length": Buffer.byteLength(body),
    "x-ms-error-code": code,
    ...(sourceStatus === undefined ? {} : { "x-ms-copy-source-status-code": sourceStatus }),
  });
  response.end(body);
}

function relay(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.once("error", () => response.destroy());
  answer.pipe(response);
}
