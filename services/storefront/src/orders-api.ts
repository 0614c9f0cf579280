/**
 * The orders service as the pages see it.
 *
 * 1. Placing carries an idempotency key, so it is repeated like everything else here.
 * 2. A refusal of the orders service keeps its code and its `Retry-After`.
 */
import {
  type Deadline,
  DEADLINE_HEADER,
  type Dependency,
  DependencyError,
  NotFoundError,
  ServiceError,
} from "@cloudphoenix/chassis";
import type { z } from "zod";
import {
  type Order,
  orderAnswer,
  type OrderPage,
  orderPageAnswer,
  problemAnswer,
  type Site,
  siteAnswer,
} from "./order-answers.ts";
import type { OrderDraft } from "./order-form.ts";

/** On whose behalf a call is made. */
export interface Caller {
  readonly requestId: string;
  readonly deadline: Deadline;
}

/** The two ways to the service. */
export interface Ways {
  readonly reading: Pick<Dependency, "call">;
  readonly writing: Pick<Dependency, "call">;
}

interface Sent {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly key?: string;
  readonly body?: object;
}

/** Every method throws {ServiceError}: the service's own refusals, or why it gave none. */
export class OrdersApi {
  readonly #origin: string;
  readonly #ways: Ways;

  /** @param origin - for instance `http://orders:8080` */
  constructor(origin: string, ways: Ways) {
    this.#origin = origin;
    this.#ways = ways;
  }

  /** The same key makes the same order, however often. */
  place(key: string, draft: OrderDraft, caller: Caller): Promise<Order> {
    return this.#ask({ method: "POST", path: "/orders", key, body: draft }, orderAnswer, caller);
  }

  /** Again is success. */
  cancel(id: string, caller: Caller): Promise<Order> {
    const path = `/orders/${encodeURIComponent(id)}/cancel`;
    return this.#ask({ method: "POST", path }, orderAnswer, caller);
  }

  order(id: string, caller: Caller): Promise<Order> {
    const path = `/orders/${encodeURIComponent(id)}`;
    return this.#ask({ method: "GET", path }, orderAnswer, caller);
  }

  /** @param after - `next` of the page before; null: the newest */
  orders(after: string | null, limit: number, caller: Caller): Promise<OrderPage> {
    const query = new URLSearchParams({ limit: String(limit), ...(after !== null && { after }) });
    return this.#ask({ method: "GET", path: `/orders?${query}` }, orderPageAnswer, caller);
  }

  /** How the site is; an unhealthy one says so, too. */
  async site(signal: AbortSignal): Promise<Site> {
    const response = await fetched(`${this.#origin}/health`, { signal });
    return answerOf(response, siteAnswer);
  }

  #ask<Answer>(sent: Sent, schema: z.ZodType<Answer>, caller: Caller): Promise<Answer> {
    const way = sent.method === "GET" ? this.#ways.reading : this.#ways.writing;
    const { deadline } = caller;
    const call = async (signal: AbortSignal): Promise<Answer> => {
      const response = await fetched(`${this.#origin}${sent.path}`, {
        method: sent.method,
        headers: headersOf(sent, caller),
        ...(sent.body !== undefined && { body: JSON.stringify(sent.body) }),
        signal,
      });
      if (!response.ok) throw await refusalOf(response);
      return answerOf(response, schema);
    };
    return way.call(call, { idempotent: true, deadline });
  }
}

function headersOf(
  { key, body }: Sent,
  { requestId, deadline }: Caller,
): Readonly<Record<string, string>> {
  return {
    "x-request-id": requestId,
    [DEADLINE_HEADER]: String(Math.ceil(deadline.remainingMs())),
    ...(key !== undefined && { "idempotency-key": key }),
    ...(body !== undefined && { "content-type": "application/json" }),
  };
}

async function fetched(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: "error" });
  } catch (cause) {
    throw new DependencyError("The orders service cannot be reached.", { cause });
  }
}

async function answerOf<Answer>(response: Response, schema: z.ZodType<Answer>): Promise<Answer> {
  const parsed = schema.safeParse(await jsonOf(response));
  if (parsed.success) return parsed.data;
  throw new DependencyError("The orders service gave an answer that makes no sense.", {
    cause: parsed.error,
    outcome: "unknown",
  });
}

async function refusalOf(response: Response): Promise<ServiceError> {
  const { status } = response;
  const parsed = problemAnswer.safeParse(await jsonOf(response));
  if (!parsed.success) {
    return new DependencyError(`The orders service answered ${status} without saying why.`);
  }
  const { code, title, detail } = parsed.data;
  if (status === 404) return new NotFoundError("There is no such order.");
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const kind = { code, status, title, retryable: Number.isFinite(seconds) || status >= 500 };
  return new ServiceError(kind, detail, {
    ...(Number.isFinite(seconds) && { retryAfterMs: seconds * 1_000 }),
  });
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    // Not JSON: the schema says so in a way everybody understands.
    return null;
  }
}
