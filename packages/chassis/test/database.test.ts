// "A pool that recovers from database restart, failover and DNS change without a restart of the
// process, classifies errors by SQLSTATE, bounds waiting; withConnection and withTransaction release
// in every path."
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Connection,
  Deadline,
  isMissingObject,
  isUniqueViolation,
  ServiceError,
  type Database,
  type DatabaseEvent,
} from "../src/index.ts";
import {
  connectionsOf,
  eventually,
  openWorld,
  portOf,
  proxy,
  whileFrozen,
  withLock,
  type World,
} from "./chassis-world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
  await world.sql(`create table items (id int primary key); grant all on items to app;
                   create sequence tries; grant all on tries to app;
                   create table locked (id int); grant all on locked to app`);
});

afterAll(() => world.close());

const ONE = { text: "select 1 as one" };

async function using<T>(database: Database, work: (database: Database) => Promise<T>): Promise<T> {
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

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

describe("classifies by SQLSTATE", () => {
  test.each([
    ["25006", "READ_ONLY", "none"],
    ["57014", "DATABASE_TIMEOUT", "unknown"],
    ["53300", "DATABASE_UNAVAILABLE", "none"],
    ["55P03", "DATABASE_UNAVAILABLE", "none"],
    ["57P01", "DATABASE_UNAVAILABLE", "unknown"],
    ["40003", "DATABASE_UNAVAILABLE", "unknown"],
  ])("%s is %s with outcome %s", async (state, code, outcome) => {
    await using(world.database(), (database) =>
      expect(database.query(raising(state))).rejects.toMatchObject({ code, outcome }),
    );
  });

  test("what the service did wrong is not the database's failure", async () => {
    await using(world.database(), async (database) => {
      await expect(database.query({ text: "select wrong from" })).rejects.toThrow("refused");
      await expect(database.query(raising("22012"))).rejects.not.toBeInstanceOf(ServiceError);
    });
  });

  test("names the two failures a service acts upon", async () => {
    await using(world.database(), async (database) => {
      await database.query({ text: "insert into items values (1)" });
      const twice = await failureOf(database.query({ text: "insert into items values (1)" }));
      expect(isUniqueViolation(twice)).toBe(true);
      expect(isUniqueViolation(twice, "items_pkey")).toBe(true);
      expect(isUniqueViolation(twice, "other")).toBe(false);
      const missing = await failureOf(database.query({ text: "select * from nowhere" }));
      expect(isMissingObject(missing)).toBe(true);
      expect(isUniqueViolation(missing)).toBe(false);
    });
  });
});

describe("bounds waiting", () => {
  test("for a statement that takes too long, and the server is left with nothing running", async () => {
    await using(world.database({ statementTimeoutMs: 100 }), async (database) => {
      await withLock(world, "locked", () =>
        expect(database.query({ text: "insert into locked values (1)" })).rejects.toMatchObject({
          code: "DATABASE_TIMEOUT",
          outcome: "unknown",
        }),
      );
      await eventually(async () => (await waitingSessions()) === 0);
    });
  });

  test("for a server that is frozen, control connections included", async () => {
    await using(
      world.database({ statementTimeoutMs: 100, connectTimeoutMs: 300 }),
      async (database) => {
        await database.query(ONE);
        const failures = await whileFrozen(world, () =>
          Promise.all([
            failureOf(database.query(ONE)),
            failureOf(database.query(ONE)),
            failureOf(database.control(ONE)),
          ]),
        );
        for (const failure of failures) expect(failure).toBeInstanceOf(ServiceError);
        await eventually(() => database.query(ONE).catch(() => null));
      },
    );
  });

  test("by the deadline of the request, if that is sooner", async () => {
    await using(world.database({ statementTimeoutMs: 60_000 }), async (database) => {
      const failure = await withLock(world, "locked", () =>
        failureOf(
          database.query({ text: "select * from locked" }, { deadline: Deadline.after(80) }),
        ),
      );
      expect(failure).toMatchObject({ code: "DATABASE_TIMEOUT" });
      await expect(database.query(ONE, { deadline: Deadline.after(0) })).rejects.toMatchObject({
        code: "DEADLINE_EXCEEDED",
        outcome: "none",
      });
    });
  });

  test("for a connection: some wait and fail in time, the crowd behind them is refused at once", async () => {
    await using(world.database({ poolMax: 1, connectTimeoutMs: 200 }), async (database) => {
      const release = Promise.withResolvers<void>();
      const holder = database.withConnection(() => release.promise);
      await eventually(() => database.usage.work.open === 1);
      const crowd = Array.from({ length: 25 }, () => failureOf(database.query(ONE)));
      const refused = await Promise.race(crowd);
      expect(refused).toMatchObject({
        code: "SATURATED",
        message: expect.stringContaining("wait"),
      });
      // Health is still answered.
      expect(await database.control(ONE)).toEqual([{ one: 1 }]);
      for (const failure of await Promise.all(crowd)) {
        expect(failure).toMatchObject({ code: "SATURATED", outcome: "none" });
      }
      release.resolve();
      await holder;
      expect(database.usage.work.waiting).toBe(0);
    });
  });

  test("a connection that comes after its deadline is given back, not lost", async () => {
    await using(world.database({ poolMax: 1 }), async (database) => {
      const release = Promise.withResolvers<void>();
      const holder = database.withConnection(() => release.promise);
      await eventually(() => database.usage.work.open === 1);
      const late = database.query(ONE, { deadline: Deadline.after(20) });
      await expect(late).rejects.toMatchObject({ code: "SATURATED" });
      release.resolve();
      await holder;
      expect(await database.query(ONE)).toEqual([{ one: 1 }]);
    });
  });
});

describe("releases in every path", () => {
  test("withConnection: after success, after a failure of the work, after a failed statement", async () => {
    await using(world.database({ poolMax: 1 }), async (database) => {
      await database.withConnection((connection) => connection.query(ONE));
      await expect(
        database.withConnection(() => Promise.reject(new Error("mine"))),
      ).rejects.toThrow("mine");
      await expect(database.query(raising("22012"))).rejects.toThrow("refused");
      expect(await database.query(ONE)).toEqual([{ one: 1 }]);
      expect(database.usage.work).toEqual({ open: 1, idle: 1, waiting: 0 });
    });
  });

  test("a session whose statement was given up is never lent again", async () => {
    await using(world.database({ poolMax: 1 }), async (database) => {
      const pid = { text: "select pg_backend_pid() as pid" };
      const before = await database.query(pid);
      await withLock(world, "locked", () =>
        failureOf(
          database.query({ text: "select * from locked" }, { deadline: Deadline.after(80) }),
        ),
      );
      expect(await database.query(pid)).not.toEqual(before);
    });
  });

  test("withTransaction commits what resolves and undoes what rejects", async () => {
    await using(world.database({ poolMax: 1 }), async (database) => {
      await database.withTransaction((transaction) => insert(transaction, 10));
      await expect(
        database.withTransaction(async (transaction) => {
          await insert(transaction, 11);
          throw new Error("mine");
        }),
      ).rejects.toThrow("mine");
      expect(await ids(database, 10, 11)).toEqual([10]);
      expect(database.usage.work.idle).toBe(1);
    });
  });

  test("withTransaction does not take an undone transaction for a committed one", async () => {
    await using(world.database(), async (database) => {
      const swallowed = database.withTransaction(async (transaction) => {
        await insert(transaction, 20);
        await transaction.query(raising("22012")).catch(() => undefined);
      });
      await expect(swallowed).rejects.toThrow("undone");
      expect(await ids(database, 20)).toEqual([]);
    });
  });

  test("withTransaction runs again what the server undid for a conflict, up to its attempts", async () => {
    await using(world.database(), async (database) => {
      let runs = 0;
      const answer = await database.withTransaction(async (transaction) => {
        runs += 1;
        if (runs < 3) await transaction.query(raising("40001"));
        return runs;
      });
      expect(answer).toBe(3);
      const never = database.withTransaction((transaction) => transaction.query(raising("40P01")), {
        attempts: 2,
      });
      await expect(never).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE", outcome: "none" });
    });
  });

  test("a transaction that never ends is ended by its deadline and leaves nothing behind", async () => {
    await using(world.database({ poolMax: 1 }), async (database) => {
      const stuck = withLock(world, "locked", () =>
        failureOf(
          database.withTransaction(
            (transaction) => transaction.query({ text: "select * from locked" }),
            { deadline: Deadline.after(80) },
          ),
        ),
      );
      expect(await stuck).toBeInstanceOf(ServiceError);
      expect(await database.query(ONE)).toEqual([{ one: 1 }]);
    });
  });
});

function raising(state: string): { text: string } {
  return { text: `do $$ begin raise exception 'planted' using errcode = '${state}'; end $$` };
}

function insert(connection: Connection, id: number): Promise<readonly object[]> {
  return connection.query({ text: "insert into items values ($1)", values: [id] });
}

async function ids(database: Database, ...wanted: number[]): Promise<number[]> {
  const rows = await database.query<{ id: number }>({
    text: "select id from items where id = any($1) order by id",
    values: [wanted],
  });
  return rows.map((row) => row.id);
}

function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  );
}

async function endSessions(): Promise<void> {
  await world.sql(
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'app'",
  );
}

async function waitingSessions(): Promise<number> {
  const rows = await world.sql(
    "select 1 from pg_stat_activity where usename = 'app' and wait_event_type = 'Lock'",
  );
  return rows.length;
}
