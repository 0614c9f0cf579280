/**
 * One JSON call to a local control plane (provider API of a site, network API).
 *
 * Owns: deadline, bearer token, mapping of failures to codes. Does not retry and keeps no
 * connection: these calls are rare, and a kept connection through a link that was cut and mended
 * would make the first call after the mend fail.
 */
import { request } from "node:http";
import {
  CloudPhoenixError,
  type ErrorCode,
  hasCode,
  type Json,
  messageOf,
} from "@cloudphoenix/core";

/** Where a local control plane listens and what opens it. The token never appears in messages. */
export interface LocalEndpoint {
  /** `http://host:port`, no path. */
  readonly url: string;
  readonly token: string;
}

export interface ApiCall {
  readonly method: "GET" | "PUT" | "POST";
  readonly path: string;
  readonly body?: Json;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Longest answer that is read; these APIs answer a few hundred bytes. */
const ANSWER_BYTES_MAX = 1024 * 1024;

/**
 * Sends `call` and returns the JSON answered with 2xx.
 *
 * @throws {CloudPhoenixError} `UNREACHABLE` (retryable) without an answer within `timeoutMs` or
 *   for a 5xx, `ABORTED` when `signal` aborts, `UNAUTHORIZED`, `STALE_GENERATION`, `NOT_FOUND`,
 *   `CONFLICT`, `BAD_REQUEST` as answered, `INTERNAL` for an answer that is not JSON
 */
export async function callApi(
  endpoint: LocalEndpoint,
  call: ApiCall,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Json> {
  const answer = await send(endpoint, call, timeoutMs, signal);
  const body = parseJson(answer.text);
  if (answer.status >= 200 && answer.status < 300 && body !== undefined) return body;
  throw refusal(endpoint, call, answer.status, body);
}

async function send(
  endpoint: LocalEndpoint,
  call: ApiCall,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    return await exchange(endpoint, call, AbortSignal.any([signal, deadline]));
  } catch (cause) {
    if (signal.aborted) {
      throw new CloudPhoenixError("ABORTED", `${describe(endpoint, call)} was given up`, {
        retryable: false,
        cause,
      });
    }
    const why = deadline.aborted ? `no answer within ${timeoutMs} ms` : messageOf(cause);
    throw new CloudPhoenixError("UNREACHABLE", `${describe(endpoint, call)}: ${why}`, {
      retryable: true,
      cause,
    });
  }
}

function exchange(endpoint: LocalEndpoint, call: ApiCall, signal: AbortSignal): Promise<Answer> {
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = { authorization: `Bearer ${endpoint.token}` };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      headers["content-length"] = String(Buffer.byteLength(body));
    }
    const outgoing = request(
      new URL(call.path, endpoint.url),
      { method: call.method, headers, agent: false, signal },
      (incoming) => {
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > ANSWER_BYTES_MAX) outgoing.destroy(new Error("answer too long"));
        });
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text }));
        incoming.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function parseJson(text: string): Json | undefined {
  try {
    // JSON.parse yields nothing but JSON; its declared type is just wider.
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** Codes a control plane may answer and mean; anything else is told by the status. */
const ANSWERED_CODES: readonly ErrorCode[] = [
  "STALE_GENERATION",
  "NOT_FOUND",
  "CONFLICT",
  "BAD_REQUEST",
  "UNAUTHORIZED",
];

function refusal(
  endpoint: LocalEndpoint,
  call: ApiCall,
  status: number,
  body: Json | undefined,
): CloudPhoenixError {
  const message =
    typeof body === "object" && body !== null && "message" in body ? body["message"] : undefined;
  const said = typeof message === "string" ? message : `HTTP ${status}`;
  const code = ANSWERED_CODES.find((known) => hasCode(body, known)) ?? codeOfStatus(status);
  return new CloudPhoenixError(code, `${describe(endpoint, call)}: ${said}`, {
    retryable: code === "UNREACHABLE",
    ...(code === "UNAUTHORIZED" && { hint: "Check the token file configured for this endpoint." }),
  });
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403) return "UNAUTHORIZED";
  if (status === 404) return "NOT_FOUND";
  if (status === 409) return "CONFLICT";
  if (status === 400) return "BAD_REQUEST";
  return status >= 500 ? "UNREACHABLE" : "INTERNAL";
}

function describe(endpoint: LocalEndpoint, call: ApiCall): string {
  return `${call.method} ${new URL(call.path, endpoint.url).href}`;
}
