/**
 * Has receipts written again that were stored once, or set aside: after a bucket was lost or
 * restored from an older state, or once whatever stood in the way of one is gone.
 *
 * Those that are there find themselves, so that running it again does no harm. It only puts them
 * into the queue, a page at a time; the services write them.
 */
import type { FencedWrites } from "@cloudphoenix/chassis";

/** Which receipts. */
export type ReissueChoice =
  | { readonly kind: "orders"; readonly ids: readonly string[] }
  /** Promised at or after a point in time. */
  | { readonly kind: "since"; readonly time: Date };

const PAGE = 1_000;

interface PageRow {
  readonly last: string | null;
  readonly requeued: number;
}

const REISSUE = {
  name: "receipts-reissue",
  text: `
    with page as (
      select order_id from public.receipts
      where order_id > $1 and ($2::bigint[] is null or order_id = any($2)) and created_at >= $3
      order by order_id limit ${PAGE}
    ), requeued as (
      update public.receipts r set due_at = now(), attempts = 0, set_aside_reason = null
      from page where r.order_id = page.order_id and r.due_at is null
      returning 1
    )
    select max(order_id)::text as last, (select count(*)::int from requeued) as requeued from page`,
};

/**
 * How many receipts were put into the queue.
 * @param onPage - called with the number so far
 * @throws {ServiceError} `READ_ONLY` where this site may not write; else what the database says
 */
export async function reissueReceipts(
  writes: Pick<FencedWrites, "transaction">,
  choice: ReissueChoice,
  onPage: (requeued: number) => void,
): Promise<number> {
  const ids = choice.kind === "orders" ? choice.ids : null;
  const since = choice.kind === "since" ? choice.time : new Date(0);
  let after = "0";
  let total = 0;
  for (;;) {
    const values = [after, ids, since];
    const [page] = await writes.transaction((transaction) =>
      transaction.query<PageRow>({ ...REISSUE, values }),
    );
    if (page === undefined || page.last === null) return total;
    total += page.requeued;
    after = page.last;
    onPage(total);
  }
}
