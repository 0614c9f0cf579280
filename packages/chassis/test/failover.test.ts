// "Read-only mode without the writer epoch."
// The acknowledgement fence is tested on a database that is really frozen between the check of the
// lease and the reply.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  FencedWrites,
  PendingWrite,
  SiteReader,
  SiteWatch,
  writeStatement,
  type Database,
  type LeasedRow,
} from "../src/index.ts";
import {
  ask,
  CLOUDPHOENIX_SCHEMA,
  eventually,
  leaseOf,
  serve,
  waitingSessions,
  whileFrozen,
  withLock,
  type World,
} from "./chassis-world.ts";
import { add, CLOSE_WRITES, openNotes, startAnew } from "./notes-world.ts";

let world: World;
let database: Database;

beforeAll(async () => {
  world = await openNotes();
  database = world.database();
});

beforeEach(() => startAnew(world));

afterAll(async () => {
  await database.close();
  await world.close();
});

const ADD = writeStatement(
  "add-note",
  (lease) => `insert into notes (body) values ($1) returning id, ${lease}`,
);

describe("the state of the site", () => {
  test("is unprepared, with writes open, where CloudPhoenix is not installed", async () => {
    expect(await new SiteReader(database, "here").read()).toEqual({
      site: "here",
      role: "unprepared",
      generation: 0,
      writesOpen: true,
      leaseLapsed: false,
      durability: "async",
      leaseRemainingMs: null,
    });
  });

  test("follows what is installed, and what is taken away again, without a restart", async () => {
    const reader = new SiteReader(database, "here");
    await reader.read();
    await world.sql(CLOUDPHOENIX_SCHEMA);
    expect(await reader.read()).toMatchObject({
      role: "active",
      generation: 7,
      leaseRemainingMs: null,
    });
    await world.sql(leaseOf("1500"));
    expect(await reader.read()).toMatchObject({ writesOpen: true, leaseRemainingMs: 1500 });
    await world.sql(leaseOf("-5"));
    expect(await reader.read()).toMatchObject({ writesOpen: false, leaseRemainingMs: -5 });
    await world.sql(leaseOf("null::integer"));
    expect(await reader.read()).toMatchObject({ writesOpen: true, leaseRemainingMs: null });
    await world.sql("drop function cloudphoenix.lease_remaining_ms()");
    expect(await reader.read()).toMatchObject({ role: "active", leaseRemainingMs: null });
    await world.sql("drop schema cloudphoenix cascade");
    expect(await reader.read()).toMatchObject({ role: "unprepared", generation: 0 });
  });

  test("counts a lease as lapsed that ran out since the last look", async () => {
    let nowMs = 1_000;
    const record = {
      site: "a",
      role: "active",
      generation: 1,
      writesOpen: true,
      leaseLapsed: false,
      durability: "async",
      leaseRemainingMs: 100,
    } as const;
    const watch = new SiteWatch({ read: async () => record }, () => nowMs);
    expect((await watch.observe()).record?.writesOpen).toBe(true);
    nowMs += 99;
    await watch.requireWritesOpen();
    nowMs += 1;
    expect((await watch.observe()).record).toMatchObject({
      writesOpen: false,
      leaseLapsed: true,
      leaseRemainingMs: 0,
    });
    await expect(watch.requireWritesOpen()).rejects.toMatchObject({ code: "READ_ONLY" });
  });

  test("is asked once however many want to know, and says so when nobody answers", async () => {
    let asked = 0;
    const watch = new SiteWatch({
      read: () => {
        asked += 1;
        return new Promise<never>(() => undefined);
      },
    });
    const seen = await Promise.all(Array.from({ length: 50 }, () => watch.observe()));
    expect(asked).toBe(1);
    for (const { record, failure } of seen) {
      expect(record).toBeNull();
      expect(failure).toMatchObject({ code: "DEPENDENCY_TIMEOUT" });
    }
    await expect(watch.requireWritesOpen()).rejects.toMatchObject({ code: "READ_ONLY" });
  });
});

describe("read-only mode", () => {
  test("a write is answered 503 READ_ONLY with Retry-After, a read goes on, traffic is sent elsewhere", async () => {
    await world.sql(CLOUDPHOENIX_SCHEMA);
    const serving = await serve(world, (app, { writes, database: own }) => {
      app.post("/notes", () => writes.transaction((transaction) => add(transaction)));
      app.get("/notes", () => own.query({ text: "select body from notes" }));
    });
    try {
      expect((await ask(`${serving.url}/notes`, { method: "POST" })).status).toBe(200);
      expect((await ask(`${serving.url}/traffic`)).status).toBe(200);
      await world.sql(CLOSE_WRITES);
      const refused = await ask(`${serving.url}/notes`, { method: "POST" });
      expect([refused.status, refused.body["code"], refused.headers.get("retry-after")]).toEqual([
        503,
        "READ_ONLY",
        "1",
      ]);
      expect((await ask(`${serving.url}/notes`)).status).toBe(200);
      const traffic = await eventually(
        () => ask(`${serving.url}/traffic`),
        (it) => it.status === 503,
      );
      expect(traffic.body).toEqual({ status: "writes closed" });
      // A standby is healthy and ready: it does what it is there for.
      expect((await ask(`${serving.url}/ready`)).status).toBe(200);
      expect((await ask(`${serving.url}/health`)).body).toMatchObject({
        status: "healthy",
        role: "standby",
        writesOpen: false,
      });
    } finally {
      await serving.drain();
    }
  });
});

describe("the acknowledgement fence", () => {
  test("passes a reply within the lease, and any reply if no lease is in force", () => {
    let nowMs = 0;
    const pending = new PendingWrite(() => nowMs);
    nowMs = 5_000;
    pending.confirm();
    pending.leaseSaid(null);
    pending.confirm();
    pending.leaseSaid(5_001);
    expect(() => pending.confirm()).not.toThrow();
  });

  test.each([[100], [101], [10_000]])(
    "withholds a reply %i ms after 100 ms were left",
    (afterMs) => {
      let nowMs = 50;
      const pending = new PendingWrite(() => nowMs);
      pending.leaseSaid(100);
      nowMs = 50 + afterMs;
      expect(() => pending.confirm()).toThrow(
        expect.objectContaining({ code: "WRITE_UNCERTAIN", status: 503, outcome: "unknown" }),
      );
    },
  );

  test("the least of several answers counts", () => {
    let nowMs = 0;
    const pending = new PendingWrite(() => nowMs);
    pending.leaseSaid(100);
    pending.leaseSaid(2_000);
    pending.leaseSaid(null);
    nowMs = 150;
    expect(() => pending.confirm()).toThrow("right to write had ended");
  });

  test.each(["a transaction", "a statement"])(
    "%s on a database that froze after it had checked the lease is stored but not acknowledged",
    async (form) => {
      await world.sql(CLOUDPHOENIX_SCHEMA + leaseOf("300"));
      const writes = new FencedWrites(database);
      const write = (): Promise<unknown> =>
        form === "a statement"
          ? database.withConnection((connection) => writes.statement(connection, ADD, ["late"]))
          : writes.transaction((transaction) => add(transaction, "late"));
      // Until it has found the lease; on a busy machine it may take longer than that lasts.
      await eventually(() => write().then(Boolean, () => false));
      await world.sql("truncate notes");
      // The write waits for a lock; the server freezes there for longer than the lease, and goes on.
      const late = await withLock(world, "notes", async () => {
        const settled = write().then(
          () => "acknowledged",
          (error: unknown) => (error as { code: string }).code,
        );
        await eventually(async () => (await waitingSessions(world)) > 0);
        await whileFrozen(world, () => new Promise((resolve) => setTimeout(resolve, 350)));
        return [settled];
      });
      const outcome = await late[0];
      const stored = await world.sql("select body from notes");
      expect({ outcome, stored }).toEqual({
        outcome: "WRITE_UNCERTAIN",
        stored: [{ body: "late" }],
      });
    },
  );

  test("a write within the lease is acknowledged, at no round trip more than a plain transaction", async () => {
    await world.sql(CLOUDPHOENIX_SCHEMA + leaseOf("60000"));
    const writes = new FencedWrites(database);
    expect(await writes.transaction((transaction) => add(transaction))).toEqual([
      { body: "hello" },
    ]);
    const rows = await database.withConnection((connection) =>
      writes.statement<LeasedRow & { id: number }>(connection, ADD, ["x"]),
    );
    expect(rows).toMatchObject([{ lease_remaining_ms: 60000 }]);
  });

  test("a lapsed lease is never acknowledged, even if nothing in the database refused", async () => {
    await world.sql(CLOUDPHOENIX_SCHEMA + leaseOf("0"));
    const writes = new FencedWrites(database);
    await expect(writes.transaction((transaction) => add(transaction))).rejects.toMatchObject({
      code: "WRITE_UNCERTAIN",
    });
  });

  test("works without the lease, and obeys it from the first write after it came", async () => {
    const writes = new FencedWrites(database);
    const statement = (): Promise<unknown> =>
      database.withConnection((connection) => writes.statement(connection, ADD, ["y"]));
    await writes.transaction((transaction) => add(transaction));
    await statement();
    await world.sql(CLOUDPHOENIX_SCHEMA + leaseOf("0"));
    await expect(statement()).rejects.toMatchObject({ code: "WRITE_UNCERTAIN" });
    await expect(writes.transaction((it) => add(it))).rejects.toMatchObject({
      code: "WRITE_UNCERTAIN",
    });
    await world.sql("drop schema cloudphoenix cascade");
    await statement();
    await writes.transaction((transaction) => add(transaction));
  });

  test("many first writes at once all find out that there is no lease", async () => {
    const writes = new FencedWrites(database);
    const at = Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0
        ? writes.transaction((transaction) => add(transaction))
        : database.withConnection((connection) => writes.statement(connection, ADD, ["y"])),
    );
    expect(await Promise.all(at)).toHaveLength(20);
  });

  test("a missing table of the application is not taken for a missing lease", async () => {
    await world.sql(CLOUDPHOENIX_SCHEMA + leaseOf("0"));
    const writes = new FencedWrites(database);
    const nowhere = writeStatement(
      "nowhere",
      (lease) => `insert into nowhere values ($1) returning ${lease}`,
    );
    await expect(
      database.withConnection((connection) => writes.statement(connection, nowhere, [1])),
    ).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    await expect(
      writes.transaction((transaction) =>
        transaction.query({ text: "insert into nowhere values (1)" }),
      ),
    ).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    // Still fenced:
    await expect(
      database.withConnection((connection) => writes.statement(connection, ADD, ["z"])),
    ).rejects.toMatchObject({ code: "WRITE_UNCERTAIN" });
  });
});
