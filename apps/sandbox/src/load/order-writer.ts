/**
 * One write, repeated under the same idempotency key until somebody acknowledges it.
 *
 * 1. Every attempt of a write carries the same key and the same body, so that a repetition after an
 *    unknown outcome neither loses nor doubles the order.
 * 2. A write counts as acknowledged only with an answer that names the order.
 */
import type { Clock, Random } from "@cloudphoenix/engine";
import { pauseMs, type RetryBudget } from "./backoff.ts";
import type { ClientConnections } from "./client-connections.ts";
import {
  type AnswerBody,
  attempt,
  type Attempt,
  type AttemptRequest,
  failureIn,
} from "./http-attempt.ts";
import type { LoadConfig } from "./load-config.ts";

/** How a write ended. */
export type WriteOutcome =
  | {
      readonly kind: "acknowledged";
      readonly orderId: string;
      readonly site: string;
      readonly generation: number;
      readonly replayed: boolean;
      readonly attempts: number;
    }
  | { readonly kind: "given-up" | "refused" };

/** What a write stands on. */
export interface WriterParts {
  readonly config: LoadConfig;
  readonly connections: ClientConnections;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly random: Random;
  readonly onFailedAttempt: (reason: string) => void;
}

/** Writes order number `n` of the run. Ends within `giveUpAfterMs` plus one attempt. */
export async function writeOrder(parts: WriterParts, n: number): Promise<WriteOutcome> {
  const { config, connections } = parts;
  const deadlineMs = performance.now() + config.giveUpAfterMs;
  const request = orderRequest(config, n);
  for (let attempts = 1; ; attempts += 1) {
    const answer = await attempt(
      (signal) => connections.route(signal),
      request,
      config.attemptTimeoutMs,
    );
    const acknowledged = acknowledgementIn(answer, attempts);
    if (acknowledged !== null) return acknowledged;
    parts.onFailedAttempt(failureIn(answer));
    if (isRefusal(answer)) return { kind: "refused" };
    if (!(await mayRetry(parts, attempts, deadlineMs))) return { kind: "given-up" };
  }
}

/** Key of write `n`. */
export function keyOf(config: LoadConfig, n: number): string {
  return `${config.run}-${n}`;
}

/** The body follows from `n`, so that a repetition is the same request. */
function orderRequest(config: LoadConfig, n: number): AttemptRequest {
  return {
    port: config.port,
    method: "POST",
    path: "/orders",
    headers: {
      "content-type": "application/json",
      "idempotency-key": keyOf(config, n),
      host: config.name,
    },
    body: JSON.stringify({
      customer: `customer-${n % 997}`,
      items: [{ sku: `sku-${n % 89}`, quantity: 1 + (n % 5) }],
      // Tells which orders of a list belong together, see census.ts.
      note: keyOf(config, n),
    }),
  };
}

/** Waits for the pause and then for the budget. False once the time is over or nobody cares. */
async function mayRetry(
  parts: WriterParts,
  failures: number,
  deadlineMs: number,
): Promise<boolean> {
  do {
    if (parts.connections.closed) return false;
    const pause = pauseMs(failures, parts.random);
    if (performance.now() + pause >= deadlineMs) return false;
    await parts.clock.sleep(pause);
  } while (!parts.budget.take());
  return true;
}

function acknowledgementIn(answer: Attempt, attempts: number): WriteOutcome | null {
  if (answer.kind !== "answered" || (answer.status !== 200 && answer.status !== 201)) return null;
  const { id, site, generation } = fieldsOf(answer.body);
  if (id === null || site === null || generation === null) return null;
  const replayed = answer.status === 200;
  return { kind: "acknowledged", orderId: id, site, generation, replayed, attempts };
}

function fieldsOf(body: AnswerBody): {
  readonly id: string | null;
  readonly site: string | null;
  readonly generation: number | null;
} {
  const { id, site, generation } = body;
  return {
    id: typeof id === "string" ? id : null,
    site: typeof site === "string" ? site : null,
    generation: typeof generation === "number" ? generation : null,
  };
}

/** A 4xx will be a 4xx again; "too many requests" will not. */
function isRefusal(answer: Attempt): boolean {
  if (answer.kind !== "answered") return false;
  return answer.status >= 400 && answer.status < 500 && answer.status !== 429;
}
