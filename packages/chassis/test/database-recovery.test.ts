// "A pool that recovers from database restart, failover and DNS change without a restart of the process."
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, ServiceError, type DatabaseEvent } from "../src/index.ts";
import {
  connectionsOf,
  eventually,
  openWorld,
  portOf,
  proxy,
  type World,
} from "./chassis-world.ts";
import { ONE, using } from "./database-use.ts";
import { Way } from "./storage-world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
  await world.sql(`create table items (id int primary key); grant all on items to app;
                   create sequence tries; grant all on tries to app`);
});

afterAll(() => world.close());

describe("recovers", () => {
  test("from a restart of the server, with requests going on all the time", async () => {
    const codes = new Set<string>();
    await using(world.database({ poolMax: 4 }), async (database) => {
      await database.query(ONE);
      await world.server.killHard();
      await expect(database.query(ONE)).rejects.toMatchObject({
        code: "DATABASE_UNAVAILABLE",
        retryable: true,
      });
      const load = eventually(
        () =>
          database.query(ONE).catch((error: unknown) => {
            codes.add(error instanceof ServiceError ? error.code : String(error));
            return null;
          }),
        (rows) => rows !== null,
      );
      await world.server.start();
      expect(await load).toEqual([{ one: 1 }]);
    });
    expect([...codes].filter((code) => code !== "DATABASE_UNAVAILABLE")).toEqual([]);
  });

  test("from sessions that were ended while they were idle", async () => {
    const events: DatabaseEvent[] = [];
    await using(world.database({ onEvent: (event) => events.push(event) }), async (database) => {
      await database.query(ONE);
      await endSessions();
      await eventually(() => events.length > 0);
      expect(await database.query(ONE)).toEqual([{ one: 1 }]);
    });
    expect(events[0]).toMatchObject({ kind: "connection-lost" });
  });

  test("from a session that was ended while it was on loan and idle", async () => {
    await using(world.database({ poolMax: 1 }), async (database) => {
      const outcome = database.withConnection(async (connection) => {
        await endSessions();
        await pause(50); // until the socket has read the end
        return connection.query(ONE);
      });
      await expect(outcome).rejects.toMatchObject({
        code: "DATABASE_UNAVAILABLE",
        outcome: "unknown",
      });
      expect(await database.query(ONE)).toEqual([{ one: 1 }]);
    });
  });

  test("an idempotent statement hides a lost session, another one does not", async () => {
    await using(world.database({ poolMax: 1 }), async (database) => {
      const pid = { text: "select pg_terminate_backend(pg_backend_pid()), 1 as one" };
      await expect(database.query(pid)).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });

      // A sequence remembers the first try, though its session is gone.
      const rows = await database.query(
        {
          text: `select case when nextval('tries') = 1
                        then pg_terminate_backend(pg_backend_pid()) end, 1 as one`,
        },
        { idempotent: true },
      );
      expect(rows).toMatchObject([{ one: 1 }]);
      expect(await world.sql("select last_value::int from tries")).toEqual([{ last_value: 2 }]);
    });
  });

  test("follows the name of the database to another address", async () => {
    const addresses = ["127.0.3.1"];
    const events: DatabaseEvent[] = [];
    const first = await proxy("127.0.3.1", world.port);
    const port = portOf(first);
    const second = await proxy("127.0.3.2", world.port, port);
    try {
      await using(
        world.database({
          address: { host: "db.test", port, user: "app", database: "app", sslMode: "disable" },
          resolve: async () => addresses,
          resolveEveryMs: 20,
          onEvent: (event) => events.push(event),
        }),
        async (database) => {
          const where = { text: "select 1 as one" };
          await database.query(where);
          expect(connectionsOf(first)).toBeGreaterThan(0);
          expect(connectionsOf(second)).toBe(0);
          addresses[0] = "127.0.3.2";
          await eventually(() => events.some((event) => event.kind === "endpoint-moved"));
          await database.query(where);
          await eventually(() => connectionsOf(second) > 0);
          await eventually(() => connectionsOf(first) === 0);
        },
      );
    } finally {
      for (const server of [first, second]) server.close();
    }
    expect(events).toContainEqual({ kind: "endpoint-moved", addresses: ["127.0.3.2"] });
  });

  test("does not move while the name still has the address in use", async () => {
    const events: DatabaseEvent[] = [];
    let asked = 0;
    await using(
      world.database({
        address: {
          host: "db.test",
          port: world.port,
          user: "app",
          database: "app",
          sslMode: "disable",
        },
        resolve: async () => {
          asked += 1;
          return asked % 2 === 0 ? ["127.0.0.1", "127.0.0.9"] : ["127.0.0.1"];
        },
        resolveEveryMs: 5,
        onEvent: (event) => events.push(event),
      }),
      async (database) => {
        await database.query(ONE);
        await eventually(() => asked > 5);
      },
    );
    expect(events).toEqual([]);
  });

  test("leaves a server that was demoted behind the same name", async () => {
    const events: DatabaseEvent[] = [];
    const options = { poolMax: 2, onEvent: (event: DatabaseEvent) => events.push(event) };
    await using(world.database(options), async (database) => {
      const before = await sessionsOf(database);
      const failure = database.withTransaction(
        (transaction) => transaction.query({ text: "insert into items values (77)" }),
        { readOnly: true },
      );
      await expect(failure).rejects.toMatchObject({ code: "READ_ONLY", status: 503 });
      // Also the session that has not seen the refusal.
      const after = await sessionsOf(database);
      expect(after.filter((session) => before.includes(session))).toEqual([]);
    });
    expect(events).toEqual([{ kind: "server-demoted" }]);
  });

  test("leaves a server that refuses every write now and then, and not for every write", async () => {
    const events: DatabaseEvent[] = [];
    const way = await Way.to(world.port);
    await world.sql("alter role app set default_transaction_read_only = on");
    const write = { text: "insert into items values (78) on conflict do nothing" };
    try {
      await using(
        world.database({
          address: {
            host: "127.0.0.1",
            port: way.port,
            user: "app",
            database: "app",
            sslMode: "disable",
          },
          poolMax: 1,
          onEvent: (event) => events.push(event),
        }),
        async (database) => {
          const startedMs = performance.now();
          for (let n = 0; n < 100; n += 1) {
            await expect(database.query(write)).rejects.toMatchObject({ code: "READ_ONLY" });
          }
          const times = 1 + Math.floor((performance.now() - startedMs) / 2_000);
          expect(events.length).toBeLessThanOrEqual(times);
          expect(way.connections).toBeLessThanOrEqual(1 + times);

          await world.sql("alter role app reset default_transaction_read_only");
          await eventually(() => database.query(write).then(Boolean, () => false));
        },
      );
    } finally {
      await world.sql("alter role app reset default_transaction_read_only");
      await way.close();
    }
  });

  test("those who wait for a connection of the old server get one of the new, and soon", async () => {
    const addresses = ["127.0.3.3"];
    const first = await proxy("127.0.3.3", world.port);
    const port = portOf(first);
    const second = await proxy("127.0.3.4", world.port, port);
    const held = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const options = {
      address: { host: "db.test", port, user: "app", database: "app", sslMode: "disable" },
      poolMax: 1,
      connectTimeoutMs: 4_000,
      resolve: async () => addresses,
      resolveEveryMs: 20,
    } as const;
    try {
      await using(world.database(options), async (database) => {
        const holding = database.withConnection(async (connection) => {
          await connection.query(ONE);
          held.resolve();
          await released.promise;
          return connection.query(ONE);
        });
        await held.promise;
        const waiting = [1, 2, 3].map(() => database.query(ONE));
        expect(database.usage.work.waiting).toBe(3);
        addresses[0] = "127.0.3.4";

        expect(await Promise.all(waiting)).toEqual([[{ one: 1 }], [{ one: 1 }], [{ one: 1 }]]);
        // What was lent before goes on, and is not lent again.
        released.resolve();
        expect(await holding).toEqual([{ one: 1 }]);
        await eventually(() => connectionsOf(first) === 0);
      });
    } finally {
      released.resolve();
      for (const server of [first, second]) server.close();
    }
  });

  test("reads a rotated password again when the old one is refused", async () => {
    let password = "wrong";
    let invalidated = 0;
    const source = {
      value: async () => password,
      invalidate: () => {
        invalidated += 1;
        password = "app-secret";
      },
    };
    await using(world.database({ password: source }), async (database) => {
      expect(await database.query(ONE)).toEqual([{ one: 1 }]);
    });
    expect(invalidated).toBe(1);
  });
});

/** Server processes of two connections. */
function sessionsOf(database: Database): Promise<readonly number[]> {
  const session = { text: "select pg_backend_pid() as pid" };
  return database.withConnection((one) =>
    database.withConnection(async (other) => {
      const rows = [...(await one.query<Pid>(session)), ...(await other.query<Pid>(session))];
      return rows.map(({ pid }) => pid);
    }),
  );
}

interface Pid {
  readonly pid: number;
}

async function endSessions(): Promise<void> {
  await world.sql(
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'app'",
  );
}
