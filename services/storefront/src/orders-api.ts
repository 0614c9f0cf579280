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
  type Receipt,
  receiptAnswer,
  type Site,
  siteAnswer,
} from "./order-answers.ts";
import type { OrderDraft } from "./order-form.ts";

/** What is said of a 404, by its code. */
const MISSING: Readonly<Record<string, string>> = {
  RECEIPT_NOT_PROMISED: "This order has no receipt.",
};

/** On whose behalf a call is made. */
export interface Caller {
  readonly requestId: string;
  /** Of the visitor: the orders service limits each of them, not the storefront. */
  readonly address: string;
  readonly deadline: Deadline;
}

/** The ways to the service, apart: one that fails closes no other. */
export interface Ways {
  readonly reading: Pick<Dependency, "call">;
  /** Fails with the object store. */
  readonly receipts: Pick<Dependency, "call">;
  /** Fails with the right to write. */
  readonly writing: Pick<Dependency, "call">;
}

/** A receipt, and the very text that is stored. */
export interface StoredReceipt {
  readonly receipt: Receipt;
  readonly text: string;
}

interface Sent {
  readonly way: keyof Ways;
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
    const sent: Sent = { way: "writing", path: "/orders", key, body: draft };
    return this.#ask(sent, as(orderAnswer), caller);
  }

  /** Again is success. */
  cancel(id: string, caller: Caller): Promise<Order> {
    const path = `/orders/${encodeURIComponent(id)}/cancel`;
    return this.#ask({ way: "writing", path }, as(orderAnswer), caller);
  }

  order(id: string, caller: Caller): Promise<Order> {
    const path = `/orders/${encodeURIComponent(id)}`;
    return this.#ask({ way: "reading", path }, as(orderAnswer), caller);
  }

  /** Null while it is not stored where the orders service is. */
  receipt(id: string, caller: Caller): Promise<StoredReceipt | null> {
    const path = `/orders/${encodeURIComponent(id)}/receipt`;
    return this.#ask({ way: "receipts", path }, receiptOf, caller);
  }

  /** @param after - `next` of the page before; null: the newest */
  orders(after: string | null, limit: number, caller: Caller): Promise<OrderPage> {
    const query = new URLSearchParams({ limit: String(limit), ...(after !== null && { after }) });
    const path = `/orders?${query}`;
    return this.#ask({ way: "reading", path }, as(orderPageAnswer), caller);
  }

  #ask<Answer>(
    sent: Sent,
    answerOf: (response: Response) => Promise<Answer>,
    caller: Caller,
  ): Promise<Answer> {
    const { deadline } = caller;
    const call = async (signal: AbortSignal): Promise<Answer> => {
      const response = await fetched(`${this.#origin}${sent.path}`, {
        method: sent.way === "writing" ? "POST" : "GET",
        headers: headersOf(sent, caller),
        ...(sent.body !== undefined && { body: JSON.stringify(sent.body) }),
        signal,
      });
      if (!response.ok) throw await refusalOf(response);
      return answerOf(response);
    };
    return this.#ways[sent.way].call(call, { idempotent: true, deadline });
  }
}

/**
 * How the site is, as the orders service at `origin` tells it; an unhealthy one says so, too.
 * @throws {DependencyError} if it does not
 */
export async function askSite(origin: string, signal: AbortSignal): Promise<Site> {
  const response = await fetched(`${origin}/health`, { signal });
  return as(siteAnswer)(response);
}

function headersOf(
  { key, body }: Sent,
  { requestId, address, deadline }: Caller,
): Readonly<Record<string, string>> {
  return {
    "x-request-id": requestId,
    "x-forwarded-for": address,
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

/** What reads an answer as JSON of that shape. */
function as<Answer>(schema: z.ZodType<Answer>): (response: Response) => Promise<Answer> {
  return async (response) => parsed(schema, await textOf(response));
}

async function receiptOf(response: Response): Promise<StoredReceipt | null> {
  const text = await textOf(response);
  return response.status === 202 ? null : { receipt: parsed(receiptAnswer, text), text };
}

function parsed<Answer>(schema: z.ZodType<Answer>, text: string): Answer {
  const answer = schema.safeParse(jsonOf(text));
  if (answer.success) return answer.data;
  throw new DependencyError("The orders service gave an answer that makes no sense.", {
    cause: answer.error,
    outcome: "unknown",
  });
}

async function refusalOf(response: Response): Promise<ServiceError> {
  const { status } = response;
  const problem = problemAnswer.safeParse(jsonOf(await textOf(response)));
  if (!problem.success) {
    return new DependencyError(`The orders service answered ${status} without saying why.`);
  }
  const { code, title, detail } = problem.data;
  if (status === 404) return new NotFoundError(MISSING[code] ?? "There is no such order.");
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const kind = { code, status, title, retryable: Number.isFinite(seconds) || status >= 500 };
  return new ServiceError(kind, detail, {
    ...(Number.isFinite(seconds) && { retryAfterMs: seconds * 1_000 }),
  });
}

async function textOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw new DependencyError("The orders service broke off its answer.", { cause });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the schema says so in a way everybody understands.
    return null;
  }
}
