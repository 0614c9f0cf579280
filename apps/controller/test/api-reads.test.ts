import type { Decision } from "@cloudphoenix/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StatusView } from "../src/api/views/status-view.ts";
import { get, startedRun } from "./api-client.ts";
import { type FakeWorld, fakeWorld, NOW_MS } from "./fake-world.ts";

let world: FakeWorld;

beforeEach(async () => {
  world = await fakeWorld();
});

afterEach(async () => {
  await world.app.close();
});

describe("the status", () => {
  test("says what an engineer at 3 a.m. asks first", async () => {
    const { status, body } = await get(world, "/v1/status");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      atMs: NOW_MS,
      application: { name: "shop" },
      controller: { role: "leader", epoch: 7, version: "0.1.0" },
      generation: 1,
      active: "aws-us-east-1",
      modes: { heal: "auto", region: "auto", dr: "auto" },
      maintenance: null,
      sites: [
        { id: "aws-us-east-1", cloud: "aws", role: "active", score: 0, coverage: 1, level: "none" },
        { id: "azure-westeurope", role: "standby", score: 0 },
      ],
      standbys: [
        {
          site: "azure-westeurope",
          ready: true,
          reasons: [],
          replication: { lagMs: 100, lagBytes: "4096", state: "streaming" },
        },
      ],
      decision: { action: "hold", verdict: "none" },
      activeRun: null,
      protected: { yes: true, why: "azure-westeurope is ready to take over." },
    });
  });

  test("says why a standby is not ready", async () => {
    await world.app.close();
    world = await fakeWorld({ standbyReady: false });
    const { body } = await get<StatusView>(world, "/v1/status");
    expect(body.standbys[0]?.ready).toBe(false);
    expect(body.standbys[0]?.reasons.length).toBeGreaterThanOrEqual(3);
    expect(body.protected.yes).toBe(false);
    expect(body.protected.why).toContain("No standby is ready");
  });

  test("shows the run that is alive with its progress", async () => {
    const id = await startedRun(world);
    const run = await world.runs.get(id);
    const [first] = run?.steps ?? [];
    const running = { ...first!, status: "running", attempts: 1, startedAtMs: NOW_MS } as const;
    await world.runs.putStep(id, running, 9);
    const { body } = await get<StatusView>(world, "/v1/status");
    expect(body.activeRun).toMatchObject({
      id,
      kind: "dr",
      status: "running",
      startedBy: "operator:ada",
      stepsDone: 0,
      stepsTotal: run?.plan.steps.length,
      current: [run?.plan.steps[0]?.title],
    });
  });
});

describe("reads", () => {
  test("explain the decision with the same text as the command line", async () => {
    const { body } = await get<{ text: string; decision: Decision }>(world, "/v1/explain");
    expect(body.text).toContain("Verdict none");
    expect(body.decision.action.kind).toBe("hold");
  });

  test("list decisions, signals and replication", async () => {
    const decisions = await get<{ decisions: Decision[] }>(world, "/v1/decisions?limit=1");
    expect(decisions.body.decisions).toHaveLength(1);
    expect((await get(world, "/v1/signals")).body).toMatchObject({
      signals: [
        {
          id: "aws-health",
          status: "healthy",
          answers: [
            {
              vantage: "control",
              failureDomain: "control",
              ageMs: 500,
              stale: false,
              sees: true,
            },
          ],
        },
        { id: "azure-health" },
      ],
    });
    expect((await get(world, "/v1/replication")).body).toMatchObject({
      replications: [{ standby: "azure-westeurope", lossBoundMs: 100, schemaDifferences: [] }],
    });
    expect((await get(world, "/v1/replication")).body).toMatchObject({
      replications: [
        { objects: { behindMs: 1_200, pending: 4, needPerson: 0, deletesHeldBack: null } },
      ],
    });
  });

  test("show a run with its journal and report", async () => {
    const id = await startedRun(world);
    const { status, body } = await get(world, `/v1/runs/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ run: { id }, report: { run: id }, events: [] });
    expect((await get(world, "/v1/runs")).body).toMatchObject({ runs: [{ id }] });
  });

  test("say so when there is no such run", async () => {
    const { status, body } = await get(world, "/v1/runs/none");
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: "NOT_FOUND", detail: "there is no run none" });
  });
});
