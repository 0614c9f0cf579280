import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunRecord } from "@cloudphoenix/core";
import { hasCode } from "@cloudphoenix/core";
import { ApiClient } from "../../apps/cli/src/api-client.ts";
import { readFileSync } from "node:fs";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

// Goal: of two controllers on one state database exactly one acts; if it is killed or frozen the
// other goes on, and the late one is refused. It knows what only the first one could see.

let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest({ controllers: 2 });
});

afterAll(() => sandbox.close());

test("a follower reads, refuses orders and says it follows", async () => {
  const follower = clientOf(1 - (await leader()));

  // The sandbox is open as soon as one of them leads; the other may still be starting.
  const status = await until(
    "an answer of the follower",
    () => follower.send<{ controller: { role: string } }>("/v1/status"),
    () => true,
  );
  const order = follower.send("/v1/runs", {
    method: "POST",
    idempotencyKey: "refused",
    body: { kind: "heal", reason: "test", by: "test", acceptLoss: false },
  });

  expect(status.controller.role).toBe("follower");
  await expect(order).rejects.toSatisfy((error) => hasCode(error, "NOT_LEADER"));
});

test("a frozen leader is replaced, and leaves when it thaws", async () => {
  const frozen = await leader();
  const pid = sandbox.world.controllers[frozen]?.pid;
  sandbox.world.controllers[frozen]?.freeze();

  const other = await until("the other to lead", leaderNow, (index) => index === 1 - frozen);
  sandbox.world.controllers[frozen]?.thaw();
  await until(
    "the thawed process to leave",
    async () => sandbox.world.controllers[frozen]?.pid,
    (now) => now !== pid,
  );

  expect(other).toBe(1 - frozen);
  expect(await leader()).toBe(other);
});

test("leaders that die with the region and in mid-move leave a move that asks nobody, in place of a switchover that somebody had paused", async () => {
  const paused = await pausedSwitchover();
  sandbox.world.controllers[await leader()]?.crash();
  await sandbox.world.breakIt("region-loss");
  const move = await until("a move", moveOfLeader, (run) => run !== undefined, 60_000);
  sandbox.world.controllers[await leader()]?.crash();

  const ended = await until("its end", moveOfLeader, (run) => run?.endedAtMs != null, 60_000);

  expect(ended).toMatchObject({
    id: move?.id,
    status: "completed",
    startedBy: "decision",
    approvals: [],
  });
  await until(
    "the switchover to have given way",
    () => statusOf(paused),
    (status) => status === "superseded",
  );
}, 180_000);

async function pausedSwitchover(): Promise<string> {
  const api = clientOf(await leader());
  const by = "ann";
  const { run } = await api.send<{ run: RunRecord }>("/v1/runs", {
    method: "POST",
    idempotencyKey: "a-switchover",
    body: { kind: "switchover", reason: "a test", by, acceptLoss: false },
  });
  const pause = { method: "POST", idempotencyKey: "its-pause", body: { by } } as const;
  await until(
    "the run to be there",
    () => api.send(`/v1/runs/${run.id}/pause`, pause),
    () => true,
  );
  await until(
    "the pause",
    () => statusOf(run.id),
    (status) => status === "paused",
  );
  return run.id;
}

async function statusOf(id: string): Promise<RunRecord["status"]> {
  const { run } = await clientOf(await leader()).send<{ run: RunRecord }>(`/v1/runs/${id}`);
  return run.status;
}

async function moveOfLeader(): Promise<RunRecord | undefined> {
  const api = clientOf(await leader());
  const { runs } = await api.send<{ runs: RunRecord[] }>("/v1/runs?limit=5");
  return runs.find(({ plan }) => plan.kind === "dr");
}

function clientOf(index: number): ApiClient {
  const url = sandbox.world.urls.controllers[index] ?? "";
  return new ApiClient({ url, token: readFileSync(sandbox.world.apiTokenFile, "utf8").trim() });
}

/** Index of the controller that leads, once one does and says so. */
async function leader(): Promise<number> {
  return until("a leader", leaderNow, () => true);
}

/** @throws if it is not exactly one that leads, or it does not say so in time */
async function leaderNow(): Promise<number> {
  const roles = await Promise.all(
    sandbox.world.urls.controllers.map(async (url, index) => {
      const answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(500) }).catch(
        () => null,
      );
      return answer?.ok === true ? index : -1;
    }),
  );
  const leading = roles.filter((index) => index >= 0);
  if (leading.length !== 1) throw new Error(`${leading.length} controllers lead`);
  return leading[0] ?? -1;
}
