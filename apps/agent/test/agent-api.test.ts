import { AgentConvergenceProbe, AgentObservationSource } from "@cloudphoenix/adapter-probe";
import { loadConfiguration } from "@cloudphoenix/config";
import type { Observation, VantageSight } from "@cloudphoenix/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { startAgent } from "../src/start-agent.ts";
import { steadyClock, systemRandom } from "../src/system-clock.ts";
import { type AgentWorld, startAgentWorld, TOKEN } from "./agent-world.ts";

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface Api {
  readonly world: AgentWorld;
  readonly url: string;
  readonly get: (path: string, token?: string | null) => Promise<Answer>;
}

async function startApi(): Promise<Api> {
  const world = await startAgentWorld();
  const agent = await startAgent({
    configuration: await loadConfiguration(world.config, { environment: {} }),
    vantage: "internet",
    listen: { host: "127.0.0.1", port: 0 },
    token: TOKEN,
  });
  onTestFinished(() => agent.close());
  expect(agent.targets).toBe(2);
  const url = `http://127.0.0.1:${agent.port}`;
  return {
    world,
    url,
    get: async (path, token = TOKEN) => {
      const headers = token === null ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(`${url}${path}`, { headers });
      return { status: response.status, body: await response.json() };
    },
  };
}

interface Page {
  readonly next: number;
  readonly observations: readonly unknown[];
}

function isPage(body: unknown): body is Page {
  return typeof body === "object" && body !== null && "next" in body && "observations" in body;
}

/** The next page with an observation; a change of sight answers a question as well. */
async function pageAfter(get: Api["get"], since: number): Promise<Page> {
  for (;;) {
    const { body } = await get(`/v1/observations?since=${since}&waitMs=5000`);
    if (isPage(body) && body.observations.length > 0) return body;
  }
}

describe("the agent's API", () => {
  test.each(["/v1/observations", "/v1/convergence", "/v1/metrics", "/v1/unknown", "/"])(
    "%s is for holders of the token only",
    async (path) => {
      const { get } = await startApi();
      const refused = { status: 401, body: { code: "UNAUTHORIZED" } };
      expect(await get(path, null)).toMatchObject(refused);
      expect(await get(path, "wrong")).toMatchObject(refused);
      expect(await get(path, `${TOKEN}x`)).toMatchObject(refused);
    },
  );

  test("/live needs no token", async () => {
    const { get } = await startApi();
    expect(await get("/live", null)).toEqual({ status: 200, body: { status: "live" } });
  });

  test("holds a question open until there is something new, and gives its age", async () => {
    const { get } = await startApi();
    const first = await pageAfter(get, 0);
    expect(first.observations[0]).toEqual({
      signal: "aws-uptime",
      status: "healthy",
      detail: "says healthy",
      latencyMs: expect.any(Number),
      ageMs: expect.any(Number),
    });
    const second = await pageAfter(get, first.next);
    expect(second.next).toBe(first.next + second.observations.length);
    // By now the sight is settled, so that only an observation can answer.
    const third = await get(`/v1/observations?since=${second.next}&waitMs=5000`);
    expect(third.body).toMatchObject({
      observations: expect.arrayContaining([expect.objectContaining({ signal: "aws-uptime" })]),
      sight: { sees: true, ageMs: expect.any(Number) },
      heldMs: expect.any(Number),
    });
  });

  test("does not hold a question that will not wait", async () => {
    const { get } = await startApi();
    const { next } = await pageAfter(get, 0);
    const { body } = await get(`/v1/observations?since=${next}&waitMs=0`);
    // One that waited would have been held until the next probe, up to a second later.
    expect(body).toMatchObject({ heldMs: expect.toSatisfy((ms: number) => ms < 100) });
  });

  test("starts again for a client that was with an earlier process", async () => {
    const { get } = await startApi();
    await pageAfter(get, 0);
    const { body } = await get("/v1/observations?since=999999&waitMs=5000");
    expect(body).toMatchObject({
      observations: expect.arrayContaining([expect.objectContaining({ signal: "aws-uptime" })]),
    });
  });

  test.each(["since=-1", "since=x", "waitMs=5001", "waitMs=1.5"])("refuses %s", async (query) => {
    const { get } = await startApi();
    expect(await get(`/v1/observations?${query}`)).toMatchObject({
      status: 400,
      body: { code: "BAD_REQUEST" },
    });
  });

  test("resolves the application's name as a client does and says who answered", async () => {
    const { get } = await startApi();
    expect(await get("/v1/convergence")).toEqual({
      status: 200,
      body: {
        site: "aws-us-east-1",
        detail: "shop.phoenix.test is 127.0.0.1, answered by aws-us-east-1",
      },
    });
  });

  test("shows the wheel's own numbers", async () => {
    const { get } = await startApi();
    await pageAfter(get, 0);
    expect((await get("/v1/metrics")).body).toMatchObject({
      probes: expect.any(Number),
      // On a busy machine one may still run when the next is due.
      overruns: expect.any(Number),
      latenessP99Ms: expect.any(Number),
    });
  });
});

test("the controller's source hears what the agent sees: failing targets, and its sight", async () => {
  const { world, url } = await startApi();
  const seen: Observation[] = [];
  const sights: VantageSight[] = [];
  const source = new AgentObservationSource({
    vantage: "internet",
    agent: { url, token: TOKEN },
    signals: ["aws-uptime"],
    clock: steadyClock,
    random: systemRandom,
  });
  let heard: (() => void) | undefined;
  source.start({
    observed: (observation) => {
      seen.push(observation);
      heard?.();
    },
    sighted: (sight) => {
      sights.push(sight);
      heard?.();
    },
  });
  onTestFinished(() => source.stop());
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  await until(() => seen.length > 0 && sights.length > 0);
  expect(seen[0]).toMatchObject({ signal: "aws-uptime", vantage: "internet", status: "healthy" });
  expect(sights[0]).toMatchObject({ vantage: "internet", sees: true });

  world.health = { statusCode: 503, body: JSON.stringify({ status: "degraded", detail: "slow" }) };
  await until(() => seen.at(-1)?.status === "degraded");
  expect(seen.at(-1)).toMatchObject({ detail: "slow" });
  const ages = seen.map((observation) => steadyClock.now() - observation.atMs);
  expect(Math.min(...ages)).toBeGreaterThanOrEqual(0);

  const convergence = new AgentConvergenceProbe({
    agents: [{ vantage: "internet", agent: { url, token: TOKEN } }],
  });
  expect(await convergence.sample(new AbortController().signal)).toMatchObject([
    { vantage: "internet", site: "aws-us-east-1" },
  ]);
});
