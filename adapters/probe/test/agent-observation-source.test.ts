import type { ServerResponse } from "node:http";
import type { Observation, VantageSight } from "@cloudphoenix/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { AgentConvergenceProbe } from "../src/agent-convergence-probe.ts";
import { AgentObservationSource } from "../src/agent-observation-source.ts";
import { ManualClock, until } from "./manual-clock.ts";
import { startHttp, startTcp, type Target } from "./targets.ts";

const NEVER = new AbortController().signal;

interface FakeAgent extends Target {
  /** Queries asked so far, and pages to answer with; without a page the question stays open. */
  readonly queries: string[];
  readonly pages: unknown[];
  readonly open: ServerResponse[];
  statusCode: number;
}

async function startAgent(): Promise<FakeAgent> {
  const open: ServerResponse[] = [];
  const agent = { queries: [] as string[], pages: [] as unknown[], open, statusCode: 200 };
  const target = await startHttp((request, response) => {
    agent.queries.push(request.url ?? "");
    if (request.headers.authorization !== "Bearer s3cret") response.statusCode = 401;
    else response.statusCode = agent.statusCode;
    const page = response.statusCode === 200 ? agent.pages.shift() : {};
    if (page === undefined) agent.open.push(response);
    else response.end(JSON.stringify(page));
  });
  // One object, so that what a test sets is what the server reads.
  return Object.assign(agent, target, { url: target.url.replace("/health", "") });
}

interface World {
  readonly clock: ManualClock;
  readonly seen: Observation[];
  readonly sights: VantageSight[];
  readonly troubles: (string | null)[];
  readonly source: AgentObservationSource;
}

function startSource(url: string, token = "s3cret"): World {
  const clock = new ManualClock();
  const seen: Observation[] = [];
  const sights: VantageSight[] = [];
  const troubles: (string | null)[] = [];
  const source = new AgentObservationSource({
    vantage: "azure",
    agent: { url, token },
    signals: ["cross"],
    clock,
    random: { next: () => 0.5 },
    onTrouble: (error) => troubles.push(error?.code ?? null),
  });
  source.start({
    observed: (observation) => seen.push(observation),
    sighted: (sight) => sights.push(sight),
  });
  onTestFinished(() => source.stop());
  return { clock, seen, sights, troubles, source };
}

/** Waits until the source pauses, lets the pause pass and returns its length. */
async function nap(world: World): Promise<number> {
  await until(() => world.clock.naps.length === 1);
  const [ms = 0] = world.clock.naps;
  await world.clock.step(ms);
  return ms;
}

function entry(signal: string, ageMs: number): object {
  return { signal, status: "unhealthy", detail: "connection refused", latencyMs: null, ageMs };
}

describe("the observations of an agent", () => {
  test("arrive with their age turned into time on our clock", async () => {
    const agent = await startAgent();
    agent.pages.push({
      next: 3,
      observations: [entry("cross", 120), entry("cross", 20)],
      sight: { sees: true, ageMs: 50 },
      heldMs: 0,
    });
    const world = startSource(agent.url);
    await until(() => agent.queries.length === 2);
    const nowMs = world.clock.now();
    expect(world.seen.map(({ atMs, vantage }) => [vantage, nowMs - atMs])).toEqual([
      ["azure", 120],
      ["azure", 20],
    ]);
    expect(world.sights).toEqual([{ vantage: "azure", sees: true, atMs: nowMs - 50 }]);
    expect(agent.queries).toEqual([
      "/v1/observations?since=0&waitMs=2000",
      "/v1/observations?since=3&waitMs=2000",
    ]);
  });

  test("look as old as they are when the answer was under way for long", async () => {
    const agent = await startAgent();
    const world = startSource(agent.url);
    await until(() => agent.open.length === 1);
    await world.clock.step(900);
    // 900 ms went by, 500 of them in the agent's hands: the answer took 400 to get here.
    const page = { next: 1, observations: [entry("cross", 10)], sight: null, heldMs: 500 };
    agent.open[0]?.end(JSON.stringify(page));
    await until(() => world.seen.length === 1);
    expect(world.clock.now() - (world.seen[0]?.atMs ?? 0)).toBe(410);
  });

  test("that nobody configured for this vantage are left out", async () => {
    const agent = await startAgent();
    agent.pages.push({ next: 1, observations: [entry("other", 1), "junk", { signal: 7 }] });
    const world = startSource(agent.url);
    await until(() => agent.queries.length === 2);
    expect(world.seen).toEqual([]);
  });

  test("are never made up: while the agent is away nothing is reported, then it goes on", async () => {
    const agent = await startAgent();
    agent.statusCode = 500;
    const world = startSource(agent.url);
    await until(() => world.troubles.length === 1);
    await nap(world);
    await until(() => agent.queries.length === 2);
    expect(world.seen).toEqual([]);
    expect(world.sights).toEqual([]);
    expect(world.troubles).toEqual(["UNREACHABLE"]);

    agent.statusCode = 200;
    agent.pages.push({ next: 1, observations: [entry("cross", 0)], sight: null, heldMs: 0 });
    await nap(world);
    await until(() => world.troubles.length === 2);
    expect(world.seen).toHaveLength(1);
    expect(world.troubles).toEqual(["UNREACHABLE", null]);
  });

  test("are asked for less and less often while the agent is away, up to five seconds", async () => {
    const agent = await startAgent();
    agent.statusCode = 500;
    const world = startSource(agent.url);
    const naps: number[] = [];
    for (let round = 0; round < 8; round += 1) naps.push(await nap(world));
    // Half is chance (0.5 here): three quarters of 200, 400, … capped at 5000.
    expect(naps).toEqual([150, 300, 600, 1200, 2400, 3750, 3750, 3750]);
  });

  test("are refused with a wrong token, by name", async () => {
    const agent = await startAgent();
    const world = startSource(agent.url, "wrong");
    await until(() => world.troubles.length === 1);
    expect(world.troubles).toEqual(["UNAUTHORIZED"]);
  });

  test.each([
    ["an HTML page", "<html>"],
    ["another document", { status: "ok" }],
  ])("are not read from %s", async (_what, page) => {
    const agent = await startAgent();
    agent.pages.push(page);
    const world = startSource(agent.url);
    await until(() => world.troubles.length === 1);
    expect(world.seen).toEqual([]);
  });

  test("end with the source, also in the middle of a question", async () => {
    const agent = await startAgent();
    const world = startSource(agent.url);
    await until(() => agent.queries.length === 1);
    await world.source.stop();
    expect(world.troubles).toEqual([]);
  });
});

describe("convergence seen by agents", () => {
  test("is one sample per agent, also for one that is away or is none", async () => {
    const agent = await startAgent();
    agent.pages.push({ site: "azure-westeurope", detail: "answered by azure-westeurope" });
    const impostor = await startAgent();
    impostor.pages.push([1, 2]);
    const silent = await startTcp(() => {});
    const probe = new AgentConvergenceProbe({
      timeoutMs: 2_000,
      agents: [
        { vantage: "internet", agent: { url: agent.url, token: "s3cret" } },
        { vantage: "azure", agent: { url: impostor.url, token: "s3cret" } },
        { vantage: "aws", agent: { url: silent.url.replace("/health", ""), token: "s3cret" } },
      ],
    });
    expect(await probe.sample(NEVER)).toMatchObject([
      { vantage: "internet", site: "azure-westeurope" },
      { vantage: "azure", site: null },
      { vantage: "aws", site: null, detail: expect.stringMatching(/no answer within 2000 ms/u) },
    ]);
  });
});
