// Goal: who gives a move up after its target was promoted, and then loses the site it left, is not left
// without any site: another order goes on with what the target has, and says what that costs.
import type { RunRecord } from "@cloudphoenix/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest();
}, 120_000);

afterAll(() => sandbox.close());

test("a move that was cancelled after the promotion, and whose old site is gone, is gone on with", async () => {
  const { home } = await namesOf();
  const given = await order("first");
  await tell(given.id, "pause", {});
  await until(
    "the promotion",
    () => step(given.id),
    (run) => statusOf(run, "promote-database") === "done",
    60_000,
  );
  await sandbox.world.breakIt("region-loss");
  await tell(given.id, "cancel", { reason: "wrong night" });
  // Taking the fence back takes the site that is gone.
  const stuck = await until(
    "its end",
    () => recordOf(given.id),
    ({ endedAtMs }) => endedAtMs !== null,
    90_000,
  );
  expect(stuck.status).toBe("stuck");
  expect((await sandbox.status()).active).toBe(home);

  const next = await until(
    "an order that is taken",
    () => order(`next-${Date.now()}`),
    () => true,
  );
  const asked = await until(
    "its question",
    () => recordOf(next.id),
    ({ question }) => question !== null,
  );
  expect(asked.waitingFor).toContain("an earlier move has promoted it and not opened it");
  await tell(next.id, "approve", { comment: "it is all we have", question: asked.question });
  const done = await until(
    "the end of the move",
    () => recordOf(next.id),
    ({ endedAtMs }) => endedAtMs !== null,
    60_000,
  );
  expect(done.status).toBe("completed");
  expect((await sandbox.status()).active).toBe(next.plan.to);
}, 240_000);

async function namesOf(): Promise<{ readonly home: string }> {
  return { home: (await sandbox.status()).active };
}

/** Lets a paused run do its next step and no other. */
async function step(id: string): Promise<RunRecord> {
  if ((await recordOf(id)).status === "paused") {
    await tell(id, "resume", {});
    await tell(id, "pause", {});
  }
  return recordOf(id);
}

function statusOf(run: RunRecord, id: string): string | undefined {
  return run.steps.find((one) => one.id === id)?.status;
}

async function order(key: string): Promise<RunRecord> {
  const body = { kind: "dr", reason: "a test", by: "ann", acceptLoss: false };
  const request = { method: "POST", idempotencyKey: key, body } as const;
  return (await sandbox.api.send<{ run: RunRecord }>("/v1/runs", request)).run;
}

/** Another person than who orders. */
async function tell(id: string, verb: string, body: object): Promise<void> {
  const command = { method: "POST", body: { by: "bob", ...body } } as const;
  await until(
    `${verb} to arrive`,
    () => sandbox.api.send(`/v1/runs/${id}/${verb}`, command),
    () => true,
  );
}

async function recordOf(id: string): Promise<RunRecord> {
  return (await sandbox.api.send<{ run: RunRecord }>(`/v1/runs/${id}`)).run;
}
