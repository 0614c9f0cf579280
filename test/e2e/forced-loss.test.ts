// Goal: nobody gives up acknowledged writes alone where two people are asked for; whoever does it
// says so in one explicit act, and the audit log keeps who did what.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { RunRecord } from "@cloudphoenix/core";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest({ policy: { approvers_for_risk: 2 } });
  await sandbox.world.breakIt("replication-stall");
  await until(
    "a loss beyond the objective",
    () => sandbox.status(),
    (status) => (status.standbys[0]?.replication?.lossBoundMs ?? 0) > 6_000,
  );
  await sandbox.world.breakIt("region-loss");
}, 120_000);

afterAll(() => sandbox.close());

test("forcing a data loss without enough approvals is refused, and the override is audited", async () => {
  await until(
    "a blocked move",
    () => sandbox.decision(),
    (seen) => seen.verdict === "dr" && seen.action.kind === "blocked",
  );

  const timid = order({ acceptLoss: false });
  await expect(timid).rejects.toMatchObject({ code: "GUARD_BLOCKED" });

  const { run } = await order({ acceptLoss: true });
  await untilWaiting(run.id, "approval by 2 people");
  await approve(run.id, "ann");
  await untilWaiting(run.id, "approval by 1 person");
  // The same person again, under any spelling, is still one person.
  await approve(run.id, "Ann");
  await until(
    "a refusal",
    () => eventsOf(run.id),
    (events) => events.some(({ text }) => text.includes("has approved already")),
  );
  expect((await recordOf(run.id)).steps.map(({ status }) => status)).not.toContain("done");

  await approve(run.id, "bob");
  const done = await until(
    "the end of the move",
    () => recordOf(run.id),
    (record) => record.endedAtMs !== null,
    60_000,
  );
  expect(done.status).toBe("completed");
  expect(done.approvals.map(({ by }) => by)).toEqual(["ann", "bob"]);

  const audited = await auditLog();
  expect(audited).toContainEqual(
    expect.objectContaining({
      who: "operator:ann",
      why: "the building is dark",
      detail: expect.objectContaining({ acceptLoss: true }),
    }),
  );
  for (const who of ["ann", "bob"]) {
    const approvals = audited.filter((one) => one.who === who && one.what.startsWith("approve"));
    expect(approvals).toHaveLength(1);
  }
}, 120_000);

function order({ acceptLoss }: { readonly acceptLoss: boolean }): Promise<{ run: RunRecord }> {
  return sandbox.api.send<{ run: RunRecord }>("/v1/runs", {
    method: "POST",
    idempotencyKey: `order-${acceptLoss}`,
    body: { kind: "dr", reason: "the building is dark", by: "ann", acceptLoss },
  });
}

async function approve(run: string, by: string): Promise<void> {
  await sandbox.api.send(`/v1/runs/${run}/approve`, {
    method: "POST",
    body: { by, comment: "seen", question: (await recordOf(run)).question },
  });
}

interface View {
  readonly run: RunRecord;
  readonly events: readonly { readonly text: string }[];
}

async function recordOf(run: string): Promise<RunRecord> {
  return (await sandbox.api.send<View>(`/v1/runs/${run}`)).run;
}

async function eventsOf(run: string): Promise<View["events"]> {
  return (await sandbox.api.send<View>(`/v1/runs/${run}`)).events;
}

async function untilWaiting(run: string, text: string): Promise<void> {
  await until(
    text,
    () => recordOf(run),
    (record) => record.waitingFor?.includes(text) === true,
  );
}

/** What the state database keeps, oldest first. */
async function auditLog(): Promise<
  readonly { who: string; what: string; why: string; detail: unknown }[]
> {
  const { configFile } = sandbox.world;
  const document: { state: { url: string; password_file: string } } = parse(
    readFileSync(configFile, "utf8"),
  );
  const url = new URL(document.state.url);
  url.password = readFileSync(
    join(dirname(configFile), document.state.password_file),
    "utf8",
  ).trim();
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows } = await client.query<{
      who: string;
      what: string;
      why: string;
      detail: unknown;
    }>("select who, what, why, detail from cloudphoenix.audit order by id");
    return rows;
  } finally {
    await client.end();
  }
}
