/** Services that write receipts into a real object store, over a way that can be disturbed. */
import type { ObjectStorage } from "@cloudphoenix/chassis";
import { storageOn, type Store, Way } from "../../../packages/chassis/test/storage-world.ts";
import {
  type Answer,
  ask,
  eventually,
  OPEN_WRITES,
  openWorld,
  place,
  serve,
  type World,
} from "./orders-world.ts";

export interface ReceiptsWorld extends World {
  /** Between the services and the store. */
  readonly way: Way;
  /** The objects of now, past the way. */
  objects(): ObjectStorage;
  /** Settings of a service beside those of the world. */
  settings(): Record<string, string>;
  /** The receipts' rows, oldest first. */
  rows(): Promise<Record<string, unknown>[]>;
  /** Once there are `count` receipts and all are stored. */
  allStored(count: number): Promise<Record<string, unknown>[]>;
  /** A service in this process that writes receipts; ended by `reset` and `close`. */
  start(more?: Record<string, string>): Promise<Awaited<ReturnType<typeof serve>>>;
  /** No services, no orders, no objects, a store that can be reached, a site that may write. */
  reset(): Promise<void>;
}

export async function openReceiptsWorld(start: () => Promise<Store>): Promise<ReceiptsWorld> {
  const [world, server] = await Promise.all([openWorld(), start()]);
  const way = await Way.to(server.port);
  let buckets = 0;
  let store = server;
  let objects = storageOn(store);
  const services: Awaited<ReturnType<typeof serve>>[] = [];
  const settings = (): Record<string, string> => ({
    ...settingsOf(store, way.port),
    RECEIPTS_IDLE_MS: "20",
  });
  const rows = (): Promise<Record<string, unknown>[]> => world.sql(ROWS);
  const drain = async (): Promise<void> => {
    await Promise.all(services.splice(0).map((service) => service.drain()));
  };
  return {
    ...world,
    way,
    objects: () => objects,
    settings,
    rows,
    allStored: (count) =>
      eventually(
        rows,
        (all) => all.length === count && all.every((row) => row["stored"] === true && !row["due"]),
      ),
    start: async (more = {}) => {
      const service = await serve(world, { ...settings(), ...more });
      services.push(service);
      return service;
    },
    reset: async () => {
      await drain();
      await way.set("open");
      // A test that failed may have left them closed.
      await world.sql(OPEN_WRITES);
      await world.sql(RESET);
      await objects.close();
      store = await server.another(`bucket-${(buckets += 1)}`);
      objects = storageOn(store);
    },
    close: async () => {
      await drain();
      await objects.close();
      await way.close();
      await server.close();
      await world.close();
    },
  };
}

const ROWS = `
  select order_id::text as id, object_key as key, due_at is not null as due, attempts,
         stored_at is not null as stored, stored_site as site, set_aside_reason as reason
  from receipts order by order_id`;

const RESET = `truncate orders, idempotency_keys, receipts restart identity;
               update cloudphoenix.site set generation = 7`;

export function askReceipt(url: string, orderId: unknown): Promise<Answer> {
  return ask(`${url}/orders/${String(orderId)}/receipt`);
}

/** Places orders as clients do: what a busy service refuses is asked for again under its key. */
export function placeMany(url: string, count: number, prefix: string): Promise<readonly Answer[]> {
  const one = (n: number): Promise<Answer> =>
    eventually(
      () => place(url, `${prefix}-${n}`),
      ({ status }) => status !== 503,
    );
  return Promise.all(Array.from({ length: count }, (_, n) => one(n)));
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
