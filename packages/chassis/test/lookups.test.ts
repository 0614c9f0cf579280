// Reads that share connections: "recovers, classifies, bounds waiting, releases in every path" for
// them too, and what sharing must not mean: nobody gets another's answer, failure or delay.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deadline, ServiceError, type Database } from "../src/index.ts";
import {
  connectionsOf,
  eventually,
  openWorld,
  portOf,
  proxy,
  waitingSessions,
  whileFrozen,
  withLock,
  type World,
} from "./chassis-world.ts";
import { failureOf, using } from "./database-use.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
  await world.sql(`create table items (id int primary key, name text);
                   insert into items select n, 'item ' || n from generate_series(1, 300) n;
                   create table locked (id int); grant all on items, locked to app`);
});

afterAll(() => world.close());

const BY_ID = { name: "item-by-id", text: "select id, name from items where id = $1" };
const LOCKED = { text: "select id from locked" };

describe("answers", () => {
  test("each of many that are asked for at once with its own row", async () => {
    await using(world.database({}), async (database) => {
      const wanted = Array.from({ length: 300 }, (_, index) => index + 1);
      const answers = await Promise.all(wanted.map((id) => byId(database, id)));
      expect(answers).toEqual(wanted.map((id) => [{ id, name: `item ${id}` }]));
      await eventually(() => database.usage.lookup.idle === database.usage.lookup.open);
      expect(database.usage.lookup.open).toBeLessThanOrEqual(2);
    });
  });

  test("while every other connection is taken", async () => {
    await using(world.database({ poolMax: 1 }), async (database) => {
      const release = Promise.withResolvers<void>();
      const holder = database.withConnection(() => release.promise);
      await eventually(() => database.usage.work.open === 1);
      expect(await byId(database, 7)).toEqual([{ id: 7, name: "item 7" }]);
      release.resolve();
      await holder;
    });
  });

  test("on one connection if the server gives no second, and does not ask for it all the time", async () => {
    let attempts = 0;
    const resolve = async (): Promise<readonly string[]> => {
      attempts += 1;
      return ["127.0.0.1"];
    };
    const [host, sslMode] = ["db.test", "disable"] as const;
    const address = { host, port: world.port, user: "app", database: "app", sslMode } as const;
    // Sessions of earlier tests end a moment after their clients, and would count.
    await eventually(async () => (await appSessions()) === 0);
    await world.sql("alter role app connection limit 1");
    try {
      await using(
        world.database({ address, resolve, connectTimeoutMs: 5_000 }),
        async (database) => {
          const read = async (first: number): Promise<void> => {
            for (let id = first; id < 300; id += 8) {
              expect(await byId(database, id)).toEqual([{ id, name: `item ${id}` }]);
            }
          };
          await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(read));
        },
      );
    } finally {
      await world.sql("alter role app connection limit -1");
    }
    expect(attempts).toBeLessThan(10);
  });

  test("after a migration has changed what a prepared statement answers", async () => {
    await world.sql("create table changing (id int); insert into changing values (1)");
    await world.sql("grant all on changing to app");
    const statement = { name: "changing", text: "select id from changing" };
    await using(world.database({}), async (database) => {
      expect(await database.lookup(statement)).toEqual([{ id: 1 }]);
      await world.sql("alter table changing alter id type bigint");
      expect(await database.lookup(statement)).toEqual([{ id: "1" }]);
    });
  });
});

describe("fails alone", () => {
  test("a statement the server refuses, between others in the same write", async () => {
    await using(world.database({}), async (database) => {
      const [before, refused, after] = await Promise.all([
        byId(database, 1),
        failureOf(database.lookup({ text: "select 1 / 0" })),
        byId(database, 2),
      ]);
      expect(refused).toMatchObject({ message: "the database refused a statement" });
      expect([before, after]).toEqual([[{ id: 1, name: "item 1" }], [{ id: 2, name: "item 2" }]]);
    });
  });

  test("a statement whose first try could not be prepared is prepared again for the next", async () => {
    await using(world.database({}), async (database) => {
      const statement = { name: "later", text: "select id from comes_later" };
      const failures = await Promise.all(
        [1, 2, 3].map(() => failureOf(database.lookup(statement))),
      );
      for (const failure of failures)
        expect(failure).toMatchObject({ code: "DATABASE_UNAVAILABLE" });
      await world.sql("create table comes_later (id int); grant all on comes_later to app");
      expect(await database.lookup(statement)).toEqual([]);
    });
  });

  test("one whose time is over; the others on its connection are answered", async () => {
    await using(world.database({ statementTimeoutMs: 60_000 }), async (database) => {
      await byId(database, 1);
      const { early, fellow } = await withLock(world, "locked", async () => {
        const waiting = database.lookup(LOCKED, { deadline: Deadline.after(60) });
        return { early: await failureOf(waiting), fellow: byId(database, 2) };
      });
      expect(early).toMatchObject({ code: "DATABASE_TIMEOUT", outcome: "none" });
      expect(await fellow).toEqual([{ id: 2, name: "item 2" }]);
    });
  });

  test("those the server ends for their time; what waited behind them goes to another connection", async () => {
    await using(world.database({ statementTimeoutMs: 300 }), async (database) => {
      // Connected before the time counts.
      await byId(database, 1);
      const slow = (): Promise<unknown> =>
        failureOf(database.lookup(LOCKED, { deadline: Deadline.after(310) }));
      // One after the other they would keep the fellow past its limit.
      const [first, , , fellow] = await withLock(world, "locked", () =>
        Promise.all([slow(), slow(), slow(), byId(database, 3)]),
      );
      expect(first).toMatchObject({ code: "DATABASE_TIMEOUT" });
      expect(fellow).toEqual([{ id: 3, name: "item 3" }]);
    });
  });
});

describe("bounds waiting", () => {
  test("for a server that is frozen, and reads again when it goes on", async () => {
    await using(
      world.database({ statementTimeoutMs: 100, connectTimeoutMs: 300 }),
      async (database) => {
        // On a busy machine the first connection may take longer than these limits.
        await eventually(() => byId(database, 1).catch(() => null));
        const failures = await whileFrozen(world, () =>
          Promise.all([1, 2, 3].map((id) => failureOf(byId(database, id)))),
        );
        for (const failure of failures) {
          expect(failure).toMatchObject({ code: "DATABASE_TIMEOUT" });
        }
        const again = await eventually(() => byId(database, 1).catch(() => null));
        expect(again).toEqual([{ id: 1, name: "item 1" }]);
      },
    );
  });

  test("for a crowd: what is too much is refused at once", async () => {
    await using(world.database({}), async (database) => {
      const outcomes = await Promise.all(
        Array.from({ length: 1_000 }, () => failureOf(byId(database, 1))),
      );
      const refused = outcomes.filter((outcome) => outcome !== null);
      expect(refused).toHaveLength(600);
      for (const one of refused) expect(one).toMatchObject({ code: "SATURATED", outcome: "none" });
    });
  });

  test("of a request that has no time left: nothing is sent", async () => {
    await using(world.database({}), async (database) => {
      const failure = await failureOf(database.lookup(BY_ID, { deadline: Deadline.after(0) }));
      expect(failure).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "none" });
      expect(database.usage.lookup.open).toBe(0);
    });
  });
});

describe("recovers", () => {
  test("from a session that ends with lookups on it: they are sent again", async () => {
    await using(world.database({}), async (database) => {
      await byId(database, 1);
      const reading = withLock(world, "locked", async () => {
        const waiting = [database.lookup(LOCKED), byId(database, 2)];
        await eventually(async () => (await waitingSessions(world)) > 0);
        await world.sql(
          "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'app'",
        );
        return waiting;
      });
      expect(await Promise.all(await reading)).toEqual([[], [{ id: 2, name: "item 2" }]]);
    });
  });

  test("from a restart of the server, with reads going on all the time", async () => {
    await using(world.database({}), async (database) => {
      await byId(database, 1);
      await world.server.killHard();
      const codes = new Set<string>();
      const load = eventually(
        () =>
          byId(database, 1).catch((error: unknown) => {
            codes.add(error instanceof ServiceError ? error.code : String(error));
            return null;
          }),
        (rows) => rows !== null,
      );
      await world.server.start();
      expect(await load).toEqual([{ id: 1, name: "item 1" }]);
      expect([...codes].filter((code) => code !== "DATABASE_UNAVAILABLE")).toEqual([]);
    });
  });

  test("follows the name of the database while its connections are never idle", async () => {
    const addresses = ["127.0.3.3"];
    const first = await proxy("127.0.3.3", world.port);
    const second = await proxy("127.0.3.4", world.port, portOf(first));
    const address = {
      host: "db.test",
      port: portOf(first),
      user: "app",
      database: "app",
      sslMode: "disable",
    } as const;
    const options = { address, resolve: async () => addresses, resolveEveryMs: 20 };
    const stop = new AbortController();
    try {
      await using(world.database(options), async (database) => {
        // They overlap, so that one is always being answered.
        const readers = Array.from({ length: 8 }, async (_, index) => {
          const text = `select pg_sleep(${0.03 + index / 1_000})`;
          while (!stop.signal.aborted) await database.lookup({ text });
        });
        await eventually(() => connectionsOf(first) === 2);
        addresses.splice(0, 1, "127.0.3.4");
        await eventually(() => connectionsOf(first) === 0 && connectionsOf(second) > 0);
        stop.abort();
        await Promise.all(readers);
        expect(connectionsOf(first)).toBe(0);
      });
    } finally {
      stop.abort();
      for (const server of [first, second]) server.close();
    }
  });
});

async function appSessions(): Promise<number> {
  return (await world.sql("select 1 from pg_stat_activity where usename = 'app'")).length;
}

function byId(database: Database, id: number): Promise<readonly object[]> {
  return database.lookup({ ...BY_ID, values: [id] });
}
