/** One HTTP request with a deadline, answered or failed for a reason that can be counted. */
import { request, type RequestOptions } from "node:http";
import type { Route } from "./client-connections.ts";

/** What is sent. */
export interface AttemptRequest {
  readonly port: number;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** `reason`: `timeout`, an error code such as `ECONNRESET`, or `bad-answer`. */
export type Attempt =
  | { readonly kind: "answered"; readonly status: number; readonly body: AnswerBody }
  | { readonly kind: "failed"; readonly reason: string };

/** The fields of a JSON answer; empty if it was not a JSON object. */
export type AnswerBody = Readonly<Record<string, unknown>>;

/** Answers here are far smaller; more is somebody else's answer. */
const ANSWER_MAX_BYTES = 64 * 1024;

/**
 * Finds the route and sends one request. Never rejects.
 * @param timeoutMs - for all of it: name, connection, request, answer
 */
export async function attempt(
  route: (signal: AbortSignal) => Promise<Route>,
  sent: AttemptRequest,
  timeoutMs: number,
): Promise<Attempt> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const { address, agent } = await route(signal);
    const { port, method, path, headers } = sent;
    const options = { host: address, agent, port, method, path, headers, signal };
    const { status, text } = await exchange(options, sent.body);
    return { kind: "answered", status, body: bodyOf(text) };
  } catch (error) {
    return { kind: "failed", reason: signal.aborted ? "timeout" : reasonOf(error) };
  }
}

/**
 * Why an attempt did not do what it was for: an error code, `timeout`, or `http-503`, with the code
 * of the answer if it has one, for instance `http-503 READ_ONLY`.
 */
export function failureIn(answer: Attempt): string {
  if (answer.kind === "failed") return answer.reason;
  const { code } = answer.body;
  return typeof code === "string" ? `http-${answer.status} ${code}` : `http-${answer.status}`;
}

function exchange(
  options: RequestOptions,
  body: string | null,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_MAX_BYTES) sent.destroy(new Error("the answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on("error", reject);
    sent.end(body ?? undefined);
  });
}

function bodyOf(text: string): AnswerBody {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" ? code : "bad-answer";
}
