/** What DBOS is told when its connections fail: what it waits for, and what is over. */
import { expect, test } from "vitest";
import { journalPool } from "../src/durable/journal-pool.ts";

const log = (): void => undefined;
const NOWHERE = "postgresql://nobody@127.0.0.1:1/state";
/** A cause that DBOS tries again after. */
const AWAY = { cause: { message: "server closed the connection" } };

test("a database that cannot be reached is told as one to wait for", async () => {
  const pool = journalPool(NOWHERE, log);
  await expect(pool.connect()).rejects.toMatchObject(AWAY);
  await expect(pool.query("select 1")).rejects.toMatchObject(AWAY);
  await pool.end();
});

test("a pool that was ended is told as such, or the work of a closed runner would be tried for ever", async () => {
  const pool = journalPool(NOWHERE, log);
  await pool.end();
  await expect(pool.connect()).rejects.not.toMatchObject(AWAY);
  await expect(pool.query("select 1")).rejects.not.toMatchObject(AWAY);
});
