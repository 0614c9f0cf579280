/** The one statement that places an order, and the rows it answers. */
import type { Durability, Statement } from "@cloudphoenix/chassis";
import { columnsOf, type OrderRow } from "./order-row.ts";
import { promiseReceipt } from "./receipts/receipt-promise.ts";
import { OUTGROWN, type SchemaLevel } from "./schema-level.ts";

/** Columns of the order are null when the row was committed after the statement began. */
export interface PlacementRow extends Nullable<OrderRow> {
  readonly order_id: string;
  readonly request_hash: string;
  readonly replayed: boolean;
  /** Whether the database has more to say than this statement asked. */
  readonly outgrown: boolean;
  readonly site: string | null;
  readonly generation: string | null;
  readonly durability: Durability | null;
  /** How long the site may write without asking, told while the order was placed; null: no limit. */
  readonly lease_ms: number | null;
}

type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

/**
 * The key decides. Losing the race for it, or repeating it, takes the "do update" branch, which
 * changes nothing but waits for the winner, returns the stored row even if it is newer than this
 * statement's snapshot, and makes a replay a commit of its own: one that a synchronous standby
 * confirms and that has a log position behind the first one's.
 */
function placeStatement(name: string, site: string, receipts: boolean): Statement {
  return {
    name: receipts ? `${name}-receipt` : name,
    text: `
      with proposal as materialized (
        select nextval(pg_get_serial_sequence('public.orders', 'id')) as id
      ), claim as (
        insert into public.idempotency_keys (key, request_hash, order_id)
        select $1, $2, id from proposal
        on conflict (key) do update set request_hash = idempotency_keys.request_hash
        returning order_id, request_hash
      ), placed as (
        insert into public.orders (id, number, customer, items, note)
        select id, 'ORD-' || nextval('public.order_number_seq'), $3, $4::jsonb, $5
        from proposal join claim on claim.order_id = proposal.id
        returning *
      ), ${receipts ? promiseReceipt("placed") : ""} known as (
        select * from placed
        union all
        select o.* from public.orders o join claim on claim.order_id = o.id
      )
      select claim.order_id, claim.request_hash, claim.order_id <> proposal.id as replayed,
             ${columnsOf("known")}, ${site}
      from claim cross join proposal left join known on true`,
  };
}

const SITE = `(select site from cloudphoenix.site) as site,
  (select generation from cloudphoenix.site) as generation,
  (select durability from cloudphoenix.site) as durability`;

/**
 * Reads what CloudPhoenix says of the site along with the order.
 * @param receipts - whether the order gets a receipt, which is promised in the same statement
 */
export function placeStatements(receipts: boolean): Readonly<Record<SchemaLevel, Statement>> {
  const leased = `${OUTGROWN.leased}, ${SITE}, cloudphoenix.lease_remaining_ms() as lease_ms`;
  const managed = `${OUTGROWN.managed}, ${SITE}, null::int as lease_ms`;
  const unmanaged = `${OUTGROWN.unmanaged}, null as site, null as generation, null as durability,
    null::int as lease_ms`;
  return {
    leased: placeStatement("place", leased, receipts),
    managed: placeStatement("place-unleased", managed, receipts),
    unmanaged: placeStatement("place-unmanaged", unmanaged, receipts),
  };
}
