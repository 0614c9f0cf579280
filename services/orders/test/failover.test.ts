// "Dependency … failed over under load: answers stay within deadline, no unhandled rejection, recovers by
// itself", and "idempotency keys that stay correct across a failover (a retried request after the failover
// neither loses nor doubles an order)": two real PostgreSQL servers with synchronous logical replication, a
// real object store, the service as a process of its own.
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  startS3,
  storageOn,
  type Store,
  Way,
} from "../../../packages/chassis/test/storage-world.ts";
import {
  ask,
  eventually,
  openWorld,
  place,
  type ServiceProcess,
  spawnService,
  type World,
} from "./orders-world.ts";

const SUBSCRIPTION = "cloudphoenix_shop";
const CLIENTS = 6;

let old: World;
let next: World;
let store: Store;
/** To whichever database is the primary. */
let way: Way;
let service: ServiceProcess;

beforeAll(async () => {
  const settings = { wal_level: "logical", wal_receiver_status_interval: "1s" };
  [old, next, store] = await Promise.all([
    openWorld({ settings }),
    openWorld({ settings }),
    startS3(),
  ]);
  way = await Way.to(portOf(old));
  await old.sql("create publication shop for table orders, idempotency_keys, receipts");
  const { hostname, port, username } = new URL(old.server.url("app"));
  await next.sql(`create subscription ${SUBSCRIPTION}
    connection 'host=${hostname} port=${port} dbname=app user=${username} password=super-secret'
    publication shop with (synchronous_commit = on)`);
  await eventually(
    () => next.sql("select 1 from pg_subscription_rel where srsubstate <> 'r'"),
    (rows) => rows.length === 0,
  );
  await old.sql(`alter system set synchronous_standby_names = '${SUBSCRIPTION}'`);
  await old.sql("select pg_reload_conf()");
});

afterAll(async () => {
  service.child.kill("SIGKILL");
  await way.close();
  await Promise.all([old.close(), next.close(), store.close()]);
});

test("an order is acknowledged once, whatever happens between: none lost, none doubled, every receipt there", async () => {
  service = await spawnService(old, {
    DATABASE_URL: `postgresql://app@127.0.0.1:${way.port}/app`,
    STORAGE_URL: store.url(store.port),
    STORAGE_KEY_ID: store.keyId ?? "",
    STORAGE_KEY: "env:STORE_SECRET",
    STORE_SECRET: store.secret,
    // Those that were in hand when the database died come back after this.
    RECEIPTS_HIDDEN_MS: "3000",
  });
  const load = startLoad(service.url);
  try {
    await eventually(
      async () => load.acknowledged.size,
      (size) => size > 60,
    );
    await old.server.killHard();
    await eventually(async () => load.codes.has("DATABASE_UNAVAILABLE"), Boolean);
    await promote();
    const before = load.acknowledged.size;
    way.leadTo(portOf(next));
    await eventually(
      async () => load.acknowledged.size,
      (size) => size > before + 60,
    );
  } finally {
    await load.stop();
  }
  // Every key is repeated once more, as a client does that never saw its answer.
  for (const [key, id] of load.acknowledged) {
    const { status, body } = await place(service.url, key);
    expect([key, status, body["id"]]).toEqual([key, 200, id]);
  }
  expect(load.codes.has("INTERNAL")).toBe(false);
  const [counts] = await next.sql(`select (select count(*)::int from orders) as orders,
    (select count(*)::int from idempotency_keys) as keys, (select count(*)::int from receipts) as receipts`);
  expect(counts).toEqual({
    orders: load.acknowledged.size,
    keys: load.acknowledged.size,
    receipts: load.acknowledged.size,
  });
  await receiptsAreThere(load.acknowledged);
  await eventually(
    () => ask(`${service.url}/health`),
    ({ body }) => body["generation"] === 8,
  );
  service.child.kill("SIGTERM");
  expect(await service.exit).toBe(0);
}, 120_000);

/** What CloudPhoenix does to the standby: replication ends, sequences go past what may be used. */
async function promote(): Promise<void> {
  await next.sql(`alter subscription ${SUBSCRIPTION} disable`);
  await next.sql(`alter subscription ${SUBSCRIPTION} set (slot_name = none)`);
  await next.sql(`drop subscription ${SUBSCRIPTION}`);
  await next.sql(`select setval(pg_get_serial_sequence('orders', 'id'), 100000),
                         setval('order_number_seq', 100000)`);
  await next.sql("update cloudphoenix.site set generation = 8");
}

async function receiptsAreThere(acknowledged: ReadonlyMap<string, string>): Promise<void> {
  await eventually(
    () => next.sql("select order_id from receipts where stored_at is null or due_at is not null"),
    (rows) => rows.length === 0,
  );
  const objects = storageOn(store);
  for (const id of acknowledged.values()) {
    expect([id, (await objects.head(`receipts/${id}.json`)) !== null]).toEqual([id, true]);
  }
  await objects.close();
}

function portOf(world: World): number {
  return Number(new URL(world.server.url("app")).port);
}

interface Load {
  readonly acknowledged: ReadonlyMap<string, string>;
  readonly codes: ReadonlySet<string>;
  /** Ends once every order that was begun is acknowledged. */
  stop(): Promise<void>;
}

/** Clients that repeat each order with its key until it is acknowledged, then place the next one. */
function startLoad(url: string): Load {
  const acknowledged = new Map<string, string>();
  const codes = new Set<string>();
  const stopped = new AbortController();
  const client = async (id: number): Promise<void> => {
    for (let n = 0; !stopped.signal.aborted; n += 1) {
      const key = `client-${id}-${n}`;
      const answer = await eventually(
        async () => {
          const each = await place(url, key);
          if (each.status >= 300) codes.add(String(each.body["code"]));
          return each;
        },
        ({ status }) => status < 300,
      );
      acknowledged.set(key, String(answer.body["id"]));
    }
  };
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, id) => client(id)));
  return {
    acknowledged,
    codes,
    stop: async () => {
      stopped.abort();
      await clients;
    },
  };
}
