// Goal: a site that cannot renew its lease stops taking writes by itself, and no other site starts
// before; on real parts, with an application that writes from inside each site.
import { setTimeout as sleep } from "node:timers/promises";
import { buildReport, type RunReport, type RunRecord } from "@cloudphoenix/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  approveIfAsked,
  type SandboxUnderTest,
  sandboxUnderTest,
  until,
} from "./sandbox-under-test.ts";
import { type Attempt, writeAt } from "./writer-at.ts";

const HOME = "aws-us-east-1";
const AWAY = "azure-westeurope";
const READ_ONLY = "25006";

let sandbox: SandboxUnderTest;

/** Answer of an endpoint at the public entry of the home site. */
async function atHome(path: string): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`${sandbox.world.urls.entries[HOME]}${path}`);
  return { status: answer.status, text: await answer.text() };
}

/** Behind the entry are several replicas, each of which looks at the lease for itself. */
async function untilTrafficAtHome(wanted: number): Promise<void> {
  await until(
    `${wanted} at /traffic`,
    () => atHome("/traffic"),
    ({ status }) => status === wanted,
  );
}

async function untilRefusedAtHome(): Promise<Attempt> {
  return until(
    "a refusal at home",
    () => writeAt(sandbox.world, HOME),
    (one) => one.refusedBy === READ_ONLY,
  );
}

async function untilAcceptedAtHome(afterMs: number = 0): Promise<Attempt> {
  return until(
    "a write at home",
    () => writeAt(sandbox.world, HOME),
    (one) => one.accepted && one.startedAtMs > afterMs,
    60_000,
  );
}

/** Writes at both sites all the time until `stop` aborts. */
async function writeEverywhere(stop: AbortSignal): Promise<Record<string, readonly Attempt[]>> {
  const writer = async (site: string): Promise<readonly [string, readonly Attempt[]]> => {
    const attempts: Attempt[] = [];
    while (!stop.aborted) {
      attempts.push(await writeAt(sandbox.world, site));
      await sleep(20);
    }
    return [site, attempts];
  };
  return Object.fromEntries(await Promise.all([HOME, AWAY].map((site) => writer(site))));
}

/** The lease of the sandbox, long enough that a busy machine does not end it by itself. */
const LEASE = { ttl: "5s", renew: "750ms", margin: "300ms" } as const;
const LAPSE_MS = 5_300;

/** The move that was decided on, once it is over. How soon is not the question here. */
async function endOfMove(): Promise<RunRecord> {
  return until(
    "a finished move",
    async () => {
      const run = (await sandbox.runs()).find((one) => one.plan.kind === "dr");
      if (run === undefined) throw new Error("no move was decided on");
      await approveIfAsked(sandbox.api, run);
      return run;
    },
    (run) => run.status === "completed",
    90_000,
  );
}

/** Isolates the home site and watches until the other one has taken over. */
async function isolateHome(): Promise<{
  readonly gapMs: number;
  readonly fence: RunReport["fence"];
}> {
  const stop = new AbortController();
  const writing = writeEverywhere(stop.signal);
  const { atMs } = await sandbox.world.breakIt("region-isolation");
  const run = await endOfMove();
  await sleep(1_000);
  stop.abort();
  const attempts = await writing;
  const accepted = (site: string): readonly Attempt[] =>
    (attempts[site] ?? []).filter((one) => one.accepted && one.endedAtMs > atMs);
  const lastAtHome = Math.max(atMs, ...accepted(HOME).map((one) => one.endedAtMs));
  const firstAway = Math.min(...accepted(AWAY).map((one) => one.startedAtMs));
  return { gapMs: firstAway - lastAtHome, fence: buildReport(run).fence };
}

describe("with consistency", () => {
  // One for both: what the first test breaks is mended, and the move comes last.
  beforeAll(async () => {
    sandbox = await sandboxUnderTest({ lease: LEASE });
  });
  afterAll(() => sandbox.close());

  test("a site without its witness stops by itself, says why, and goes on when it is back", async () => {
    await untilTrafficAtHome(200);

    await sandbox.world.breakIt("witness-loss");
    await untilRefusedAtHome();
    await until(
      "a reason in /health",
      () => atHome("/health"),
      ({ text }) => text.includes("lapsed"),
    );
    await untilTrafficAtHome(503);

    await sandbox.world.mend("witness-loss");
    await untilAcceptedAtHome();

    // A frozen agent ends the same way, and so does its freezing.
    await sandbox.world.breakIt("agent-freeze");
    await untilRefusedAtHome();
    await sandbox.world.mend("agent-freeze");
    await untilAcceptedAtHome();

    // A crashed one is started again and needs to remember nothing.
    const { atMs } = await sandbox.world.breakIt("agent-crash");
    await untilAcceptedAtHome(atMs + LAPSE_MS);
    expect((await sandbox.runs()).filter((run) => run.plan.kind !== "heal")).toEqual([]);
  }, 180_000);

  test("an isolated site stops before the other one starts", async () => {
    await until(
      "calm",
      () => sandbox.status(),
      (status) =>
        status.activeRun === null && status.decision?.verdict === "none" && status.protected.yes,
    );

    const { gapMs, fence } = await isolateHome();

    expect(fence, JSON.stringify(fence)).toMatchObject({ degree: "lease-expired" });
    expect(gapMs).toBeGreaterThanOrEqual(0);
    await sandbox.world.mend();
    // The old primary comes back refused, and its own agent fences it for good.
    await until(
      "quarantine",
      () => writeAt(sandbox.world, HOME),
      (one) => one.refusedBy === READ_ONLY,
    );
  }, 180_000);
});

describe("with availability", () => {
  beforeAll(async () => {
    sandbox = await sandboxUnderTest({ lease: { ...LEASE, when_witness_lost: "availability" } });
  });
  afterAll(() => sandbox.close());

  test("a site without its witness goes on as long as the other one promises to stay closed", async () => {
    const { atMs } = await sandbox.world.breakIt("witness-loss");
    // Long after everything that the witness granted has run out.
    await untilAcceptedAtHome(atMs + 2 * LAPSE_MS);

    await sandbox.world.impairLinks("aws->azure:agent", { cut: "both" });
    await untilRefusedAtHome();
    const away = await until(
      "an answer of the other site",
      () => writeAt(sandbox.world, AWAY),
      ({ accepted, refusedBy }) => accepted || refusedBy !== null,
    );
    expect(away.refusedBy).toBe(READ_ONLY);
    await sandbox.world.repairLinks();
    await untilAcceptedAtHome();

    // It lives on promises now; a move has to wait for them to run out.
    const { gapMs, fence } = await isolateHome();
    expect(fence, JSON.stringify(fence)).toMatchObject({ degree: "lease-expired" });
    expect(gapMs).toBeGreaterThanOrEqual(0);
  }, 180_000);
});
