// Goal: a standby whose replicas have all died takes over if a person agrees; the move starts them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

const AWAY = "azure-westeurope";

let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest({ durability: "barrier", ratePerSecond: 50 });
});

afterAll(() => sandbox.close());

test("a standby without replicas takes over once a person agrees", async () => {
  const { world, api } = sandbox;
  await world.load.start();
  for (const pid of podsAt(AWAY)) process.kill(pid, "SIGKILL");
  const guard = async (): Promise<string> => {
    const { guards } = await sandbox.decision();
    return guards.find((one) => one.guard === "target-ready")?.sentence ?? "";
  };
  await world.breakIt("region-loss");

  await until("the guard asking a person", guard, (text) => text.includes("1 person must agree"));
  expect(await guard()).toContain("the move starts its replicas");
  const by = "ann";
  const run = await until("the run", newestRun, (one) => one?.status === "waiting-approval");
  await api.send(`/v1/runs/${run?.id}/approve`, {
    method: "POST",
    body: { by, comment: "better than an outage" },
  });

  await until("the end of the move", newestRun, (one) => one?.status === "completed", 60_000);
  await world.load.stop();
  const { missingTotal, errors, notChecked } = await world.load.readback();
  expect([missingTotal, errors, notChecked]).toEqual([0, 0, 0]);
  expect((await sandbox.status()).active).toBe(AWAY);
}, 180_000);

async function newestRun() {
  return (await sandbox.runs())[0];
}

/** Replicas of every workload at `site`. */
function podsAt(site: string): readonly number[] {
  const folder = join(sandbox.world.home, "processes");
  return readdirSync(folder)
    .map((file): { pid: number; name: string } =>
      JSON.parse(readFileSync(join(folder, file), "utf8")),
    )
    .filter(({ name }) => name.startsWith(site) && /\/(?:orders|fulfilment|storefront)-/.test(name))
    .map(({ pid }) => pid);
}
