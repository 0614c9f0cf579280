/**
 * One key, one effect: requests that may be repeated, also after a failover.
 *
 * 1. The key is stored in the transaction that does the work, in the same database. Both are
 *    committed or neither, and both are replicated or neither: at the site that takes over, a key
 *    that is there has its effect there, and a key that is missing had its effect lost with it.
 * 2. Requests with the same key at the same time wait for the first; then they get its answer.
 * 3. The same key with another request is refused.
 * 4. An answer is given only within the lease (see `FencedWrites`), also when it is repeated: the
 *    stored answer may be one that the other site does not have.
 */
import { createHash } from "node:crypto";
import type { Connection } from "../database/connection.ts";
import type { UseOptions } from "../database/database.ts";
import { isLockTimeout } from "../database/sql-state.ts";
import { ERROR_KINDS, ServiceError } from "../errors/service-error.ts";
import type { FencedWrites } from "./fenced-writes.ts";

/** The table, for a service's migrations. Replicated like the tables the work writes to. */
export const IDEMPOTENCY_TABLE = `
create table if not exists public.idempotent_requests (
  key text primary key,
  request_hash text not null,
  answer jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);
create index if not exists idempotent_requests_created_at on public.idempotent_requests (created_at);`;

/** A request that may be repeated. */
export interface IdempotentRequest {
  /** Chosen by the client; unique per client and operation. Put the client's identity in it. */
  readonly key: string;
  /** Of everything in the request that matters; see `requestHash`. */
  readonly hash: string;
}

/** The answer, and whether it was made by an earlier request. */
export interface IdempotentAnswer<T> {
  readonly answer: T;
  readonly replayed: boolean;
}

/** A request that waits longer for the one before it is told to come back. */
const WAIT_FOR_FIRST_MS = 2_000;

export class IdempotentWrites {
  readonly #writes: FencedWrites;

  constructor(writes: FencedWrites) {
    this.#writes = writes;
  }

  /**
   * Runs `work` unless the key has been used; the answer of whoever ran it.
   * @param work - writes only through the transaction; its answer is stored as JSON
   * @throws {ServiceError} `IDEMPOTENCY_MISMATCH` (422) if the key belongs to another request,
   *   `IDEMPOTENCY_IN_PROGRESS` (409) if the first request takes too long; else like `FencedWrites`
   */
  async run<T>(
    request: IdempotentRequest,
    work: (transaction: Connection) => Promise<T>,
    options: UseOptions = {},
  ): Promise<IdempotentAnswer<T>> {
    try {
      return await this.#writes.transaction(async (transaction) => {
        if (await claim(transaction, request)) {
          const answer = await work(transaction);
          await store(transaction, request.key, answer);
          return { answer, replayed: false };
        }
        return { answer: await stored<T>(transaction, request), replayed: true };
      }, options);
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      throw new ServiceError(
        ERROR_KINDS.IDEMPOTENCY_IN_PROGRESS,
        "A request with this key is still running.",
        { cause: error },
      );
    }
  }
}

/**
 * Fingerprint of a request: the same for equal values whatever the order of their keys was. It is
 * stored, so its form may never change.
 */
export function requestHash(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}

/**
 * Deletes keys older than `olderThanDays`, at most `limit` at a time; how many. Clients must have
 * stopped repeating by then, the time of a failover included.
 */
export async function forgetOldKeys(
  connection: Pick<Connection, "query">,
  olderThanDays: number,
  limit = 1_000,
): Promise<number> {
  const rows = await connection.query({
    text: `delete from public.idempotent_requests where key in (
             select key from public.idempotent_requests
             where created_at < clock_timestamp() - make_interval(days => $1) limit $2)
           returning 1`,
    values: [olderThanDays, limit],
  });
  return rows.length;
}

/** Whether the key is ours now. Waits for whoever inserted it and has not ended yet. */
async function claim(transaction: Connection, request: IdempotentRequest): Promise<boolean> {
  const rows = await transaction.query({
    name: "idempotency-claim",
    text: `with patience as materialized (
             select set_config('lock_timeout', $3, true)
           )
           insert into public.idempotent_requests (key, request_hash, answer)
           select $1, $2, 'null' from patience
           on conflict (key) do nothing returning 1`,
    values: [request.key, request.hash, `${WAIT_FOR_FIRST_MS}ms`],
  });
  return rows.length === 1;
}

async function store(transaction: Connection, key: string, answer: unknown): Promise<void> {
  await transaction.query({
    name: "idempotency-store",
    text: "update public.idempotent_requests set answer = $2::jsonb where key = $1",
    values: [key, JSON.stringify(answer ?? null)],
  });
}

async function stored<T>(transaction: Connection, request: IdempotentRequest): Promise<T> {
  const [row] = await transaction.query<{ readonly request_hash: string; readonly answer: T }>({
    name: "idempotency-stored",
    // Locked, so that the replay is a write: a site that may not write may not repeat either, and
    // the commit gets a log position behind the first one's.
    text: `update public.idempotent_requests set request_hash = request_hash
           where key = $1 returning request_hash, answer`,
    values: [request.key],
  });
  if (row === undefined) {
    throw new ServiceError(ERROR_KINDS.IDEMPOTENCY_IN_PROGRESS, "The key has just been given up.");
  }
  if (row.request_hash !== request.hash) {
    throw new ServiceError(
      ERROR_KINDS.IDEMPOTENCY_MISMATCH,
      "Use a new key for a different request.",
    );
  }
  return row.answer;
}

/** JSON with sorted keys; what JSON leaves out is left out. */
function canonical(value: unknown): string {
  const sorted = JSON.stringify(value, (_key, member: unknown) =>
    isRecord(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
  return sorted ?? "null";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
