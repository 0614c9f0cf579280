/**
 * Looks for receipts again that another site's store acknowledged.
 *
 * After a failover this site's store may lack the newest of them: the copy was behind. So the writer
 * walks once per generation through the newest receipts, newest first, and puts those that
 * were stored elsewhere back into the queue. The queue writes each one if it is missing; one that is
 * there finds itself. Nothing is remembered between walks: rows that were looked at say whose store
 * has them now, and are passed over.
 */
import type { FencedWrites } from "@cloudphoenix/chassis";

const PAGE = 200;
const NEWEST = "9223372036854775807";

interface PageRow {
  readonly last: string | null;
  readonly seen: number;
  readonly requeued: number;
}

const REQUEUE = {
  name: "receipts-requeue",
  text: `
    with page as (
      select order_id from public.receipts where order_id < $1 order by order_id desc limit $2
    ), requeued as (
      update public.receipts r set due_at = now(), attempts = 0
      from page
      where r.order_id = page.order_id and r.stored_at is not null and r.due_at is null
        and r.set_aside_reason is null and r.stored_site <> $3
      returning 1
    )
    select min(order_id)::text as last, count(*)::int as seen,
           (select count(*)::int from requeued) as requeued
    from page`,
};

export class ReceiptRecheck {
  readonly #writes: Pick<FencedWrites, "transaction">;
  readonly #receiptsMax: number;
  #walk: { readonly of: string; readonly before: string; readonly seen: number } | null = null;

  /** @param receiptsMax - how many of the newest are looked at; 0: none */
  constructor(writes: Pick<FencedWrites, "transaction">, receiptsMax: number) {
    this.#writes = writes;
    this.#receiptsMax = receiptsMax;
  }

  /**
   * One page of the walk; nothing once it is done for this generation of this site.
   * @returns how many receipts are looked for again
   * @throws {ServiceError} `READ_ONLY` where this site may not write; else what the database says
   */
  async step(site: string, generation: number): Promise<number> {
    const of = `${site}/${generation}`;
    const walk = this.#walk?.of === of ? this.#walk : { of, before: NEWEST, seen: 0 };
    const limit = Math.min(PAGE, this.#receiptsMax - walk.seen);
    if (limit <= 0) return 0;
    const [page] = await this.#writes.transaction((transaction) =>
      transaction.query<PageRow>({ ...REQUEUE, values: [walk.before, limit, site] }),
    );
    const { last = null, seen = 0, requeued = 0 } = page ?? {};
    const done = last === null || seen < limit;
    this.#walk = done
      ? { of, before: walk.before, seen: this.#receiptsMax }
      : { of, before: last, seen: walk.seen + seen };
    return requeued;
  }
}
