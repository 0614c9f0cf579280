// Whoever asked has gone away: what was not sent yet is not sent.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Connection, Deadline } from "../src/index.ts";
import { openWorld, withLock, waitingSessions, type World, eventually } from "./chassis-world.ts";
import { ONE, using } from "./database-use.ts";

const INSERT = { text: "insert into kept values (1)" };

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.sql("create table kept (id int); grant all on kept to app");
}, 60_000);
afterAll(() => world.close());

const NOT_BEGUN = { code: "DEADLINE_EXCEEDED", outcome: "none" };

test.each([false, true])(
  "a statement behind the one that runs is not sent (transaction: %s)",
  async (inTransaction) => {
    await using(world.database(), async (database) => {
      const deadline = Deadline.after(60_000);
      const work = async (connection: Connection): Promise<void> => {
        await connection.query(ONE);
        deadline.cancel(new Error("gone"));
        await connection.query(INSERT);
      };
      const use = inTransaction
        ? database.withTransaction(work, { deadline })
        : database.withConnection(work, { deadline });
      await expect(use).rejects.toMatchObject(NOT_BEGUN);
      expect(await world.sql("select * from kept")).toEqual([]);
    });
  },
);

test("a statement that waits for a connection is not sent once it has one", async () => {
  await using(world.database({ poolMax: 1, connectTimeoutMs: 10_000 }), async (database) => {
    const deadline = Deadline.after(60_000);
    const late = await withLock(world, "kept", async () => {
      const holding = database.query({ text: "select * from kept" });
      await eventually(async () => (await waitingSessions(world)) > 0);
      const waiting = database.query(INSERT, { deadline });
      deadline.cancel(new Error("gone"));
      return { holding, waiting: waiting.catch((error: unknown) => error) };
    });
    expect(await late.holding).toEqual([]);
    expect(await late.waiting).toMatchObject(NOT_BEGUN);
    expect(await world.sql("select * from kept")).toEqual([]);
  });
});
