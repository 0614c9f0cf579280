import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "pg";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import type { DryRunView } from "../../apps/cli/src/render/dry-run-text.ts";
import { type SandboxUnderTest, sandboxUnderTest } from "./sandbox-under-test.ts";

// Goal: a dry run of a DR plan shows current and intended state of every step and changes nothing:
// not at the databases, not in DNS, not on the platform, not in the roles.

let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest();
});

afterAll(() => sandbox.close());

test("a dry run shows every step with what is and what would be, and the world stays as it was", async () => {
  const before = await worldNow();

  const view = await sandbox.api.send<DryRunView>("/v1/plans", {
    method: "POST",
    body: { kind: "dr" },
  });

  expect(await worldNow()).toEqual(before);
  expect(view.findings).toEqual([]);
  expect(view.plan?.steps.map((step) => step.action.kind)).toEqual([
    "fence-site",
    "measure-loss",
    "promote-database",
    "scale-workload",
    "scale-workload",
    "scale-workload",
    "verify-site",
    "switch-traffic",
    "open-writes",
    "verify-convergence",
    "notify",
    "report",
  ]);
  expect(view.steps).toHaveLength(view.plan?.steps.length ?? 0);
  for (const step of view.steps) {
    expect(step.current, step.id).not.toBe("");
    expect(step.intended, step.id).not.toBe("");
  }
  expect((await sandbox.runs()).length).toBe(0);
});

/** Everything a plan could change, but for what moves by itself (heartbeat, counters). */
async function worldNow(): Promise<unknown> {
  const status = await sandbox.status();
  const databases = await Promise.all(databaseUrls().map((url) => databaseNow(url)));
  const traffic = await sandbox.world.status();
  return { active: status.active, generation: status.generation, databases, leads: traffic.active };
}

interface SiteEntry {
  readonly database: { readonly url: string; readonly password_file: string };
}

function databaseUrls(): readonly string[] {
  const file = sandbox.world.configFile;
  const { sites } = parse(readFileSync(file, "utf8")) as { readonly sites: readonly SiteEntry[] };
  return sites.map(({ database }) => {
    const url = new URL(database.url);
    url.password = readFileSync(join(dirname(file), database.password_file), "utf8").trim();
    return url.href;
  });
}

async function databaseNow(url: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const ask = async (sql: string): Promise<unknown> => (await client.query(sql)).rows;
    return {
      site: await ask(
        "select site, role, generation, writes_open, durability from cloudphoenix.site",
      ),
      slots: await ask("select slot_name from pg_replication_slots order by 1"),
      subscriptions: await ask("select subname, subenabled from pg_subscription order by 1"),
      publications: await ask("select pubname from pg_publication order by 1"),
      triggers: await ask(
        "select tgname, tgenabled from pg_trigger where not tgisinternal order by 1",
      ),
    };
  } finally {
    await client.end();
  }
}
