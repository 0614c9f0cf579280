/** How the receipts are, in numbers that cost the database little. */
import type { Database } from "@cloudphoenix/chassis";

/** How the queue is. */
export interface ReceiptState {
  /** Receipts to be written, or looked for again; counted up to 10,000. */
  readonly waiting: number;
  /** How long the oldest of them that was never stored has waited; 0 if there is none. */
  readonly oldestWaitingSeconds: number;
  /** Receipts set aside for a person; counted up to 10,000. */
  readonly setAside: number;
}

/** An operator who sees 10,000 knows enough, and counting all would read them all. */
const COUNTED_MAX = 10_000;
/** How old an answer may be. */
const AGE_MS = 1_000;

const NOTHING: ReceiptState = { waiting: 0, oldestWaitingSeconds: 0, setAside: 0 };

const STATE = {
  name: "receipts-state",
  text: `
    select count(*)::int as waiting,
      coalesce(extract(epoch from clock_timestamp() - min(created_at) filter (where stored_at is null)), 0)
        ::float8 as "oldestWaitingSeconds",
      (select count(*)::int from (
        select 1 from public.receipts where set_aside_reason is not null limit ${COUNTED_MAX}) aside
      ) as "setAside"
    from (
      select created_at, stored_at from public.receipts where due_at is not null
      order by due_at limit ${COUNTED_MAX}) due`,
};

/** Asks at most once a second, however many want to know. */
export class ReceiptWatch {
  readonly #database: Pick<Database, "control">;
  readonly #now: () => number;
  #last: { readonly atMs: number; readonly state: Promise<ReceiptState | null> } | null = null;

  /** @param now - a monotonic clock in milliseconds */
  constructor(database: Pick<Database, "control">, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  /** Null if the database does not say. Never throws. */
  state(): Promise<ReceiptState | null> {
    if (this.#last === null || this.#now() - this.#last.atMs > AGE_MS) {
      this.#last = { atMs: this.#now(), state: this.#ask().catch(() => null) };
    }
    return this.#last.state;
  }

  async #ask(): Promise<ReceiptState> {
    const [state] = await this.#database.control<ReceiptState>(STATE);
    return state ?? NOTHING;
  }
}
