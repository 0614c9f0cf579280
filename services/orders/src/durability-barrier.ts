/**
 * Holds acknowledgements back until a standby has flushed the commit (durability `barrier`).
 *
 * 1. A waiter is released only when the standby reported a flushed position at or past its own.
 * 2. One poller serves all waiters; it runs only while somebody waits.
 * 3. A failed look releases nobody: the position it did not see proves nothing.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Database, Deadline } from "@cloudphoenix/chassis";
import { durabilityUnknown } from "./failures.ts";
import { parseLsn } from "./lsn.ts";

/** Answers how far the standby has flushed; null if none is connected. */
export type FlushedPosition = () => Promise<bigint | null>;

/** Short against a round trip between clouds, long against a look at the view (well under 1 ms). */
const POLL_EVERY_MS = 2;
const POLL_AFTER_FAILURE_MS = 50;

/** Each waiter is a request held open; beyond this the standby is not keeping up at all. */
const WAITERS_MAX = 2_000;

interface Waiter {
  readonly lsn: bigint;
  readonly release: () => void;
}

export class DurabilityBarrier {
  readonly #flushed: FlushedPosition;
  readonly #timeoutMs: number;
  readonly #waiters = new Set<Waiter>();
  #polling = false;

  constructor(flushed: FlushedPosition, timeoutMs: number) {
    this.#flushed = flushed;
    this.#timeoutMs = timeoutMs;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * Resolves once the standby has flushed everything up to `lsn`.
   * @throws {ServiceError} `DURABILITY_UNKNOWN` after the timeout or when the deadline ends, or at
   *   once if too many wait
   */
  async passed(lsn: bigint, deadline?: Deadline): Promise<void> {
    const signal = deadline?.signal;
    if (this.#waiters.size >= WAITERS_MAX || signal?.aborted === true) throw durabilityUnknown();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { lsn, release: resolve };
    const giveUp = (): void => reject(durabilityUnknown(signal?.reason));
    const timer = setTimeout(giveUp, this.#timeoutMs);
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#waiters.add(waiter);
    if (!this.#polling) void this.#poll();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
      this.#waiters.delete(waiter);
    }
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    while (this.#waiters.size > 0) {
      const position = await this.#flushed().catch(() => null);
      if (position !== null) this.#releaseUpTo(position);
      await delay(position === null ? POLL_AFTER_FAILURE_MS : POLL_EVERY_MS);
    }
    this.#polling = false;
  }

  #releaseUpTo(position: bigint): void {
    for (const waiter of this.#waiters) {
      if (waiter.lsn > position) continue;
      this.#waiters.delete(waiter);
      waiter.release();
    }
  }
}

/**
 * Asks the server how far its standbys have flushed. With several standbys the slowest counts.
 * Workers that copy single tables appear beside the real subscription and are left out, as are
 * slots that merely read along under another name.
 *
 * Needs `pg_read_all_stats`; without it PostgreSQL hides the position and nothing is ever released.
 * @param standby - SQL `LIKE` pattern over `application_name`
 */
export function flushedPositionOf(
  database: Pick<Database, "control">,
  standby: string,
): FlushedPosition {
  return async () => {
    const [row] = await database.control<{ readonly lsn: string | null }>({
      name: "flushed",
      text: `select case when count(*) = count(r.flush_lsn) then min(r.flush_lsn)::text end as lsn
             from pg_stat_replication r
             join pg_replication_slots s on s.active_pid = r.pid
             where s.slot_type = 'logical' and s.database = current_database()
               and s.slot_name !~ '^pg_[0-9]+_sync_' and r.application_name like $1`,
      values: [standby],
    });
    return row?.lsn == null ? null : parseLsn(row.lsn);
  };
}
