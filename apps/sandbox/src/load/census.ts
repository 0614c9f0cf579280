/**
 * Counts the orders of this load that the application has, by listing all of them: an order that
 * exists twice shows only there, because its key leads to one of the two.
 */
import { pauseMs } from "./backoff.ts";
import { type AnswerBody, attempt } from "./http-attempt.ts";
import type { OrderCensus } from "./load-protocol.ts";
import type { ReadbackParts } from "./readback.ts";

const PAGE = 100;
const ATTEMPTS_MAX = 20;
/** More are only counted: a report names examples. */
const DOUBLED_LISTED_MAX = 100;

/** Lists page after page. Never rejects; `complete` says whether every page was read. */
export async function takeCensus(parts: ReadbackParts, run: string): Promise<OrderCensus> {
  const deadlineMs = performance.now() + parts.timeoutMs;
  const seen = new Map<string, number>();
  const statuses = new Map<string, number>();
  let next: string | null = null;
  let complete = true;
  do {
    const page: Page | null = await readPage(parts, next, deadlineMs);
    complete = page !== null;
    for (const { note, status } of page?.orders ?? []) {
      if (!note.startsWith(`${run}-`)) continue;
      seen.set(note, (seen.get(note) ?? 0) + 1);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    next = page?.next ?? null;
  } while (next !== null);
  const doubled = [...seen].filter(([, count]) => count > 1).map(([key]) => key);
  return {
    orders: [...statuses.values()].reduce((sum, count) => sum + count, 0),
    fulfilled: statuses.get("fulfilled") ?? 0,
    waiting: statuses.get("placed") ?? 0,
    setAside: statuses.get("set_aside") ?? 0,
    doubled: doubled.slice(0, DOUBLED_LISTED_MAX),
    doubledTotal: doubled.length,
    complete,
  };
}

interface Page {
  /** The load writes the key of an order into its note. */
  readonly orders: readonly { readonly note: string; readonly status: string }[];
  readonly next: string | null;
}

async function readPage(
  parts: ReadbackParts,
  after: string | null,
  deadlineMs: number,
): Promise<Page | null> {
  const request = {
    port: parts.port,
    method: "GET",
    path: `/orders?limit=${PAGE}${after === null ? "" : `&after=${encodeURIComponent(after)}`}`,
    headers: { host: parts.host },
    body: null,
  } as const;
  for (let attempts = 1; attempts <= ATTEMPTS_MAX; attempts += 1) {
    const answer = await attempt(parts.route, request, parts.attemptTimeoutMs);
    const page = answer.kind === "answered" && answer.status === 200 ? pageIn(answer.body) : null;
    if (page !== null || performance.now() >= deadlineMs) return page;
    await parts.clock.sleep(pauseMs(attempts, parts.random));
  }
  return null;
}

function pageIn({ orders, next }: AnswerBody): Page | null {
  if (!Array.isArray(orders) || (next !== null && typeof next !== "string")) return null;
  return { orders: orders.map(orderIn), next };
}

function orderIn(order: unknown): Page["orders"][number] {
  const { note, status }: { readonly note?: unknown; readonly status?: unknown } =
    typeof order === "object" && order !== null ? order : {};
  return {
    note: typeof note === "string" ? note : "",
    status: typeof status === "string" ? status : "",
  };
}
