/** Services that write receipts into a real object store, over a way that can be disturbed. */
import type { ObjectStorage } from "@cloudphoenix/chassis";
import {
  startBlob,
  storageOn,
  type Store,
  Way,
} from "../../../packages/chassis/test/storage-world.ts";
import { openWorld, type World } from "./orders-world.ts";

export interface ReceiptsWorld extends World {
  /** Between the services and the store. */
  readonly way: Way;
  /** The objects of now, past the way. */
  objects(): ObjectStorage;
  /** Settings of a service beside those of the world. */
  settings(): Record<string, string>;
  /** The receipts' rows, oldest first. */
  rows(): Promise<Record<string, unknown>[]>;
  /** No orders, no objects, a store that can be reached, a site that may write. */
  reset(): Promise<void>;
}

export async function openReceiptsWorld(): Promise<ReceiptsWorld> {
  const [world, server] = await Promise.all([openWorld(), startBlob()]);
  const way = await Way.to(server.port);
  let buckets = 0;
  let store = server;
  let objects = storageOn(store);
  return {
    ...world,
    way,
    objects: () => objects,
    settings: () => ({ ...settingsOf(store, way.port), RECEIPTS_IDLE_MS: "20" }),
    rows: () =>
      world.sql(
        `select order_id::text as id, object_key as key, due_at is not null as due, attempts,
                stored_at is not null as stored, stored_site as site, set_aside_reason as reason
         from receipts order by order_id`,
      ),
    reset: async () => {
      await way.set("open");
      await world.sql(`truncate orders, idempotency_keys, receipts restart identity;
                       update cloudphoenix.site set generation = 7`);
      await objects.close();
      store = await server.another(`bucket-${(buckets += 1)}`);
      objects = storageOn(store);
    },
    close: async () => {
      await objects.close();
      await way.close();
      await server.close();
      await world.close();
    },
  };
}

/** What a service is told of a store that it reaches at `port`. */
function settingsOf(store: Store, port: number): Record<string, string> {
  return {
    STORAGE_URL: store.url(port),
    STORAGE_KEY: "env:STORE_SECRET",
    STORE_SECRET: store.secret,
    ...(store.keyId !== null && { STORAGE_KEY_ID: store.keyId }),
    STORAGE_TIMEOUT_MS: "300",
  };
}
