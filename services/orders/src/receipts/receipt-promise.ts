/** Where a receipt is promised: beside the order, in the statement that places it. */

/** SQL: a step that promises a receipt for every row of `placed`, followed by a comma. */
export function promiseReceipt(placed: string): string {
  return `receipt as (
        insert into public.receipts (order_id, object_key)
        select id, 'receipts/' || id || '.json' from ${placed}
      ),`;
}
