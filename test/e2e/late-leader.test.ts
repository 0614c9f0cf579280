import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { LossBound, RunRecord } from "@cloudphoenix/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiClient } from "../../apps/cli/src/api-client.ts";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

// Goal: the leading controller is lost with the region, and the next one comes to lead later than the
// objective for the loss. It never saw the site alive. The application moves by itself all the same, and the
// bound that is told covers what the lost site can have acknowledged.

/** As the sandbox has it. */
const RPO_MS = 5_000;
/** The next controller looks at the lease twice meanwhile: it sees the last renewal. */
const LOOKS_ON_MS = 1_500;
/** Longer than the objective: whoever counts up to the start of its lead is beyond it. */
const NOBODY_LEADS_MS = RPO_MS + 2_000;

let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest({ controllers: 2 });
});

afterAll(() => sandbox.close());

test("a leader that comes later than the objective moves by itself, within it and truthfully", async () => {
  const { world } = sandbox;
  // The sandbox is open as soon as one of them leads; the other may still be starting.
  const [lost, next] = await until("both controllers", leaderAndFollower, () => true);
  world.controllers[lost]?.freeze();
  const { atMs: diedAtMs } = await world.breakIt("region-loss");
  await sleep(LOOKS_ON_MS);
  world.controllers[next]?.freeze();
  await sleep(NOBODY_LEADS_MS);
  world.controllers[next]?.thaw();

  const run = await until("a move", moveOf(next), (move) => move?.endedAtMs != null, 60_000);

  expect(run).toMatchObject({ status: "completed", startedBy: "decision", approvals: [] });
  const { boundMs, completeUntilMs } = measuredIn(run);
  const lostAtMostMs = diedAtMs - (completeUntilMs ?? Number.NaN);
  expect(boundMs).toBeLessThanOrEqual(RPO_MS);
  expect(boundMs).toBeGreaterThanOrEqual(lostAtMostMs);
}, 120_000);

function moveOf(index: number): () => Promise<RunRecord | undefined> {
  const url = sandbox.world.urls.controllers[index] ?? "";
  const token = readFileSync(sandbox.world.apiTokenFile, "utf8").trim();
  return async () => {
    const { runs } = await new ApiClient({ url, token }).send<{ runs: RunRecord[] }>(
      "/v1/runs?limit=5",
    );
    return runs.find(({ plan }) => plan.kind === "dr");
  };
}

function measuredIn(run: RunRecord | undefined): LossBound {
  const step = run?.steps.find(({ id }) => id === "measure-loss");
  return JSON.parse(JSON.stringify(step?.result));
}

/** Indices of the controllers. @throws if one of them does not answer, or none leads */
async function leaderAndFollower(): Promise<readonly [leader: number, follower: number]> {
  const leads = await Promise.all(
    sandbox.world.urls.controllers.map(async (url) => {
      const answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(1_000) });
      return answer.ok;
    }),
  );
  const leader = leads.indexOf(true);
  if (leader < 0) throw new Error("no controller leads");
  return [leader, 1 - leader];
}
