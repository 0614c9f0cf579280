import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { get, ORDER, send } from "./api-client.ts";
import { type FakeWorld, fakeWorld } from "./fake-world.ts";

let world: FakeWorld;

beforeEach(async () => {
  world = await fakeWorld();
});

afterEach(async () => {
  await world.app.close();
});

describe("a follower", () => {
  beforeEach(async () => {
    await world.app.close();
    world = await fakeWorld({ leads: false });
  });

  test.each([
    ["POST", "/v1/runs", ORDER],
    ["POST", "/v1/runs/some/approve", { by: "ada", question: 1 }],
    ["POST", "/v1/runs/some/cancel", { by: "ada", reason: "x" }],
    ["POST", "/v1/runs/some/loss", { by: "ada" }],
    ["POST", "/v1/plans", { kind: "dr" }],
    ["PUT", "/v1/maintenance", { on: true, reason: "x", by: "ada" }],
  ] as const)("refuses %s %s", async (method, url, body) => {
    const answer = await send(world, `${method} ${url}`, body, { "idempotency-key": "k" });
    expect(answer.status).toBe(503);
    expect(answer.body.code).toBe("NOT_LEADER");
    expect(answer.headers["retry-after"]).toBe("1");
    expect(world.audit.entries).toEqual([]);
  });

  test("is alive but not ready", async () => {
    expect((await get(world, "/live", {})).status).toBe(200);
    expect(await get(world, "/ready", {})).toMatchObject({
      status: 503,
      body: { ready: false, role: "follower" },
    });
  });

  test("shows roles and runs, and says that it does not know the rest", async () => {
    const { status, body } = await get(world, "/v1/status");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      controller: { role: "follower", epoch: null },
      active: "aws-us-east-1",
      sites: [{ score: null, level: null }, {}],
      decision: null,
      protected: { yes: false, why: "This controller follows; ask the leader." },
    });
    expect((await get(world, "/v1/runs")).body).toEqual({ runs: [] });
  });
});

describe("a leader", () => {
  test("is ready once it has decided", async () => {
    expect(await get(world, "/ready", {})).toMatchObject({
      status: 200,
      body: { ready: true, role: "leader" },
    });
  });
});
