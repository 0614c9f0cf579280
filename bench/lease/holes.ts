/** What a mechanism lets through after the lease lapsed. */
import type { BenchDatabase } from "./bench-server.ts";
import type { Mechanism } from "./mechanisms.ts";

const WRITE = "insert into public.orders (customer) values ('late')";

/** What a session does before the lease lapses and after it; the last request should be refused. */
const TRIES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["a new write in an old session", ["select 1"], [WRITE]],
  [
    "a write of a session that sets its own defaults",
    ["set default_transaction_read_only = off"],
    [WRITE],
  ],
  ["a late commit", ["begin", WRITE], ["commit"]],
  [
    "a late commit after SET CONSTRAINTS",
    ["begin", WRITE, "set constraints all immediate"],
    ["commit"],
  ],
];

/** Sentences; empty if everything is refused. `agentLives`: whether it can still do its part. */
export async function holesOf(
  mechanism: Mechanism,
  database: BenchDatabase,
  agentLives: boolean,
): Promise<readonly string[]> {
  const holes: string[] = [];
  for (const [name, before, after] of TRIES) {
    await database.query(`alter database ${database.name} reset default_transaction_read_only`);
    await database.setLease(true);
    const client = await database.client();
    try {
      for (const text of before) await client.query(text);
      await database.setLease(false);
      if (agentLives) await mechanism.lapse?.(database);
      for (const text of after) await client.query(text);
      holes.push(name);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "25006")) throw error;
    } finally {
      await client.end();
    }
  }
  return holes;
}
