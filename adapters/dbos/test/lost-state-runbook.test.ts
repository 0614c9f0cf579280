// Goal: whoever makes a new state database by the runbook gets agents that can keep the lease and
// controllers that know who is active; the SQL that is tried is the SQL of the page.
import { readFileSync } from "node:fs";
import { Client } from "pg";
import { expect, test } from "vitest";
import { openStateDatabase, PostgresLeaseWitness } from "../src/index.ts";
import { useStateServer } from "./state-server.ts";

const { freshUrl } = useStateServer();
const FOREVER = new AbortController().signal;
const PAGE = new URL("../../../docs/runbooks/controller-down.md", import.meta.url);

/** The statements of the page, with the values of somebody who follows it. */
function statements(values: Readonly<Record<string, string>>): readonly string[] {
  const blocks = readFileSync(PAGE, "utf8").matchAll(/```sql\n([\s\S]*?)```/g);
  return Array.from(blocks, ([, sql = ""]) =>
    Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, value), sql),
  );
}

test("the runbook for a lost state database gives back the roles and the agents' logins", async () => {
  const url = freshUrl();
  // What the first controller that finds an empty database takes for true.
  const state = await openStateDatabase({
    url,
    application: "shop",
    initialRoles: { generation: 1, active: "site-a", claimedBy: null, protected: true },
    log: () => undefined,
  });
  const login = `agent_${new URL(url).pathname.slice(1)}`;
  const owner = new Client({ connectionString: url });
  await owner.connect();

  const sql = statements({
    APPLICATION: "shop",
    SITE: "site-b",
    AGENT: login,
    PASSWORD: "secret",
  });
  expect(sql).toHaveLength(2);
  for (const block of sql) await owner.query(block);
  await owner.end();

  expect(await state.roles.read()).toMatchObject({ generation: 7, active: "site-b" });
  const address = new URL(url);
  address.username = login;
  const witness = new PostgresLeaseWitness({
    application: "shop",
    url: address.href,
    log: () => undefined,
  });
  const lease = { application: "shop", epoch: 7, holder: "site-b", renewals: 0 };
  expect(await witness.replace(lease, null, FOREVER)).not.toBeNull();
  expect(await witness.read(FOREVER)).toMatchObject({ lease });
  await witness.close();
  await state.close();
});
