/**
 * What this service adds to the shop's schema. The orders themselves, with the columns it works by,
 * belong to the orders service, whose migrations run first.
 */
import type { ServiceSchema } from "@cloudphoenix/chassis";

export const FULFILMENT_SCHEMA: ServiceSchema = {
  versionFunction: "public.fulfilment_schema_version",
  migrations: [
    {
      version: 1,
      name: "fulfilments",
      // No reference to orders: replication may apply the two tables' first copies in any order.
      statements: [
        `create table public.fulfilments (
          order_id bigint primary key,
          parcels jsonb not null,
          fulfilled_at timestamptz not null default clock_timestamp()
        )`,
      ],
    },
  ],
  // It reads orders and moves them on; it never changes what was ordered.
  grantsTo: (role) => [
    `grant usage on schema public to ${role}`,
    `grant select, update (status, attempts, not_before, status_changed_at, set_aside_reason)
       on public.orders to ${role}`,
    `grant select, insert on public.fulfilments to ${role}`,
  ],
};
