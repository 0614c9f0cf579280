// "Classifies errors by SQLSTATE, bounds waiting; withConnection and withTransaction release in every
// path."
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Connection,
  Deadline,
  isMissingObject,
  isUniqueViolation,
  ServiceError,
  type Database,
} from "../src/index.ts";
import {
  eventually,
  openWorld,
  waitingSessions,
  whileFrozen,
  withLock,
  type World,
} from "./chassis-world.ts";
import { failureOf, ONE, raising, using } from "./database-use.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
  await world.sql(`create table items (id int primary key); grant all on items to app;
                   create table locked (id int); grant all on locked to app`);
});

afterAll(() => world.close());

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
      await eventually(async () => (await waitingSessions(world)) === 0);
    });
  });

  test("for a server that is frozen, control connections included", async () => {
    await using(
      world.database({ statementTimeoutMs: 100, connectTimeoutMs: 300 }),
      async (database) => {
        // On a busy machine the first connections may take longer than these limits.
        await eventually(() => database.query(ONE).catch(() => null));
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
      await database.query(ONE); // so that the deadline is not spent on connecting
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
    // Long enough to connect on a busy machine, short enough to wait for.
    await using(world.database({ poolMax: 1, connectTimeoutMs: 1_500 }), async (database) => {
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
