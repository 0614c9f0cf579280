/** The API as a caller sees it, without a socket. */
import type { RunRecord } from "@cloudphoenix/core";
import type { Problem } from "../src/api/schemas/problem-schema.ts";
import { authorized, type FakeWorld } from "./fake-world.ts";

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Asks with the operator's token unless told otherwise. */
export async function get<T = unknown>(
  { app }: FakeWorld,
  url: string,
  headers: Record<string, string> = authorized(),
): Promise<Answer<T>> {
  const response = await app.inject({ method: "GET", url, headers });
  return { status: response.statusCode, body: response.json<T>(), headers: response.headers };
}

/**
 * Sends `body` where `request` says (method and path), with the operator's token: a text as it is,
 * anything else as JSON.
 */
export async function send<T = Problem>(
  { app }: FakeWorld,
  request: `${"POST" | "PUT"} /${string}`,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const [method, url] = request.split(" ") as ["POST" | "PUT", string];
  const response = await app.inject({
    method,
    url,
    headers: authorized({ "content-type": "application/json", ...headers }),
    payload: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.statusCode, body: response.json<T>(), headers: response.headers };
}

export interface Started {
  readonly run: RunRecord;
}

/** A run that somebody orders; it needs an idempotency key beside it. */
export const ORDER = { kind: "dr", reason: "exercise", by: "ada", acceptLoss: false };

/** Orders a run and gives its id. */
export async function startedRun(world: FakeWorld): Promise<string> {
  const { body } = await send<Started>(world, "POST /v1/runs", ORDER, {
    "idempotency-key": "first",
  });
  return body.run.id;
}
