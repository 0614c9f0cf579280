// "A pool that recovers from database restart, failover and DNS change without a restart of the process."
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServiceError, type DatabaseEvent } from "../src/index.ts";
import {
  connectionsOf,
  eventually,
  openWorld,
  portOf,
  proxy,
  type World,
} from "./chassis-world.ts";
import { ONE, using } from "./database-use.ts";

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
    await using(world.database({ onEvent: (event) => events.push(event) }), async (database) => {
      const failure = database.withTransaction(
        (transaction) => transaction.query({ text: "insert into items values (77)" }),
        { readOnly: true },
      );
      await expect(failure).rejects.toMatchObject({ code: "READ_ONLY", status: 503 });
    });
    expect(events).toEqual([{ kind: "server-demoted" }]);
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

async function endSessions(): Promise<void> {
  await world.sql(
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'app'",
  );
}
