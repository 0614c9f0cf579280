import { CloudPhoenixError, type Decision, type RunRecord } from "@cloudphoenix/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DryRun } from "../src/api/control-room.ts";
import type { Problem } from "../src/api/schemas/problem-schema.ts";
import type { StatusView } from "../src/api/views/status-view.ts";
import { authorized, type FakeWorld, fakeWorld, LOSS, NOW_MS, TOKEN } from "./fake-world.ts";

let world: FakeWorld;

beforeEach(async () => {
  world = await fakeWorld();
});

afterEach(async () => {
  await world.app.close();
});

interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Readonly<Record<string, unknown>>;
}

async function get<T = unknown>(url: string, headers = authorized()): Promise<Answer<T>> {
  const response = await world.app.inject({ method: "GET", url, headers });
  return { status: response.statusCode, body: response.json<T>(), headers: response.headers };
}

async function send<T = Problem>(
  method: "POST" | "PUT",
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const response = await world.app.inject({
    method,
    url,
    headers: authorized({ "content-type": "application/json", ...headers }),
    payload: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.statusCode, body: response.json<T>(), headers: response.headers };
}

interface Started {
  readonly run: RunRecord;
}

const ORDER = { kind: "dr", reason: "exercise", by: "ada", acceptLoss: false };

async function startedRun(): Promise<string> {
  const { body } = await send<Started>("POST", "/v1/runs", ORDER, { "idempotency-key": "first" });
  return body.run.id;
}

describe("the entrance", () => {
  test.each<[string, Record<string, string>]>([
    ["no token", {}],
    ["a wrong token", { authorization: "Bearer wrong" }],
    ["the token of another scheme", { authorization: `Basic ${TOKEN}` }],
    ["half the token", { authorization: `Bearer ${TOKEN.slice(0, 20)}` }],
    ["an empty token", { authorization: "Bearer " }],
  ])("refuses %s", async (_, headers) => {
    const { status, body } = await get("/v1/status", headers);
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: "UNAUTHORIZED", status: 401 });
    expect(JSON.stringify(body)).not.toContain(TOKEN);
  });

  test("tells a stranger nothing about which routes exist", async () => {
    expect((await get("/v1/nonsense", {})).status).toBe(401);
  });

  test.each(["/live", "/metrics"])("lets everybody read %s", async (url) => {
    const response = await world.app.inject({ method: "GET", url });
    expect(response.statusCode).toBe(200);
  });

  test("answers an unknown route with a problem document", async () => {
    const { status, body } = await get("/v1/nonsense?token=x");
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: "NOT_FOUND", detail: "there is no GET /v1/nonsense" });
  });

  test("sends security headers and the request id with every answer", async () => {
    const response = await world.app.inject({
      method: "GET",
      url: "/v1/status",
      headers: { "x-request-id": "trace-1" },
    });
    expect(response.headers).toMatchObject({
      "content-type": "application/problem+json",
      "x-request-id": "trace-1",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cache-control": "no-store",
    });
    expect(response.json<Problem>().requestId).toBe("trace-1");
  });

  test("makes a request id of its own when the given one could forge a log line", async () => {
    const response = await world.app.inject({
      method: "GET",
      url: "/live",
      headers: { "x-request-id": 'a b"c' },
    });
    expect(response.headers["x-request-id"]).toMatch(/^[\da-f-]{36}$/);
  });
});

describe("a request that is not valid", () => {
  test.each([
    ["an unknown key", { ...ORDER, extra: 1 }],
    ["an unknown kind", { ...ORDER, kind: "explode" }],
    ["no reason", { ...ORDER, reason: " " }],
    ["no name", { ...ORDER, by: undefined }],
    ["a name that could forge a log line", { ...ORDER, by: "ada\noperator:eve" }],
    ["a list", []],
  ])("is refused with what is wrong: %s", async (_, body) => {
    const answer = await send("POST", "/v1/runs", body, { "idempotency-key": "k" });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("BAD_REQUEST");
    expect(answer.body.errors?.length).toBeGreaterThan(0);
    expect(world.room.orders).toBe(0);
  });

  test("names the field", async () => {
    const { body } = await send("POST", "/v1/plans", { kind: "explode" });
    expect(body.errors?.map(({ path }) => path)).toEqual(["body.kind"]);
    expect(body.errors?.[0]?.message).toContain("Invalid option");
  });

  test.each([
    ["text that is not JSON", "{", 400],
    ["a body that is too large", JSON.stringify({ reason: "x".repeat(70_000) }), 413],
  ])("is refused: %s", async (_, text, status) => {
    const answer = await send("POST", "/v1/plans", text);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ code: "BAD_REQUEST", status });
  });

  test("is refused: another content type", async () => {
    const answer = await send("POST", "/v1/plans", "<a/>", { "content-type": "application/xml" });
    expect(answer.status).toBe(415);
  });

  test.each(["0", "201", "many"])("is refused: a limit of %s", async (limit) => {
    expect((await get(`/v1/runs?limit=${limit}`)).status).toBe(400);
  });
});

describe("the status", () => {
  test("says what an engineer at 3 a.m. asks first", async () => {
    const { status, body } = await get("/v1/status");
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
    const { body } = await get<StatusView>("/v1/status");
    expect(body.standbys[0]?.ready).toBe(false);
    expect(body.standbys[0]?.reasons.length).toBeGreaterThanOrEqual(3);
    expect(body.protected.yes).toBe(false);
    expect(body.protected.why).toContain("No standby is ready");
  });

  test("shows the run that is alive with its progress", async () => {
    const id = await startedRun();
    const run = await world.runs.get(id);
    const [first] = run?.steps ?? [];
    await world.runs.putStep(id, {
      ...first!,
      status: "running",
      attempts: 1,
      startedAtMs: NOW_MS,
    });
    const { body } = await get<StatusView>("/v1/status");
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
    const { body } = await get<{ text: string; decision: Decision }>("/v1/explain");
    expect(body.text).toContain("Verdict none");
    expect(body.decision.action.kind).toBe("hold");
  });

  test("list decisions, signals and replication", async () => {
    const decisions = await get<{ decisions: Decision[] }>("/v1/decisions?limit=1");
    expect(decisions.body.decisions).toHaveLength(1);
    expect((await get("/v1/signals")).body).toMatchObject({
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
    expect((await get("/v1/replication")).body).toMatchObject({
      replications: [{ standby: "azure-westeurope", lossBoundMs: 100, schemaDifferences: [] }],
    });
    expect((await get("/v1/replication")).body).toMatchObject({
      replications: [
        { objects: { behindMs: 1_200, pending: 4, canaryAgeMs: 1_000, paused: null } },
      ],
    });
  });

  test("show a run with its journal and report", async () => {
    const id = await startedRun();
    const { status, body } = await get(`/v1/runs/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ run: { id }, report: { run: id }, events: [] });
    expect((await get("/v1/runs")).body).toMatchObject({ runs: [{ id }] });
  });

  test("say so when there is no such run", async () => {
    const { status, body } = await get("/v1/runs/none");
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: "NOT_FOUND", detail: "there is no run none" });
  });
});

describe("a dry run", () => {
  test("shows plan, guards and steps, and changes nothing", async () => {
    const { status, body } = await send<DryRun>("POST", "/v1/plans", { kind: "dr" });
    expect(status).toBe(200);
    expect(body.plan?.kind).toBe("dr");
    expect(body.findings).toEqual([]);
    expect(body.steps.map((step) => step.id)).toContain("promote-database");
    expect(await world.runs.list(10)).toEqual([]);
    expect(world.audit.entries).toEqual([]);
  });
});

describe("an order", () => {
  test("starts a run and is written down", async () => {
    const { status, body } = await send<Started>("POST", "/v1/runs", ORDER, {
      "idempotency-key": "k1",
    });
    expect(status).toBe(202);
    expect(body.run).toMatchObject({ status: "running", startedBy: "operator:ada" });
    expect(world.audit.entries).toMatchObject([
      { who: "operator:ada", what: "run.start", why: "exercise", detail: { outcome: "asked" } },
    ]);
  });

  test("wants an idempotency key", async () => {
    const { status, body } = await send("POST", "/v1/runs", ORDER);
    expect(status).toBe(400);
    expect(body.errors?.[0]?.path).toBe("headers.idempotency-key");
    expect(world.room.orders).toBe(0);
  });

  test("sent twice with one key starts one run", async () => {
    const headers = { "idempotency-key": "k1" };
    const first = await send<Started>("POST", "/v1/runs", ORDER, headers);
    const second = await send<Started>("POST", "/v1/runs", ORDER, headers);
    expect(second.status).toBe(202);
    expect(second.body.run.id).toBe(first.body.run.id);
    expect(second.headers["idempotency-replayed"]).toBe("true");
    expect(world.room.orders).toBe(1);
  });

  test("sent at the same time with one key starts one run", async () => {
    const answers = await Promise.all(
      [1, 2, 3].map(() => send<Started>("POST", "/v1/runs", ORDER, { "idempotency-key": "k1" })),
    );
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(new Set(answers.map(({ body }) => body.run.id)).size).toBe(1);
    expect(world.room.orders).toBe(1);
  });

  test("with a used key and another body is refused", async () => {
    const headers = { "idempotency-key": "k1" };
    await send("POST", "/v1/runs", ORDER, headers);
    const other = await send("POST", "/v1/runs", { ...ORDER, kind: "heal" }, headers);
    expect(other.status).toBe(409);
    expect(other.body.code).toBe("CONFLICT");
    expect(world.room.orders).toBe(1);
  });

  test("that failed may be sent again with its key", async () => {
    const headers = { "idempotency-key": "k1" };
    world.room.orderFailure = new CloudPhoenixError("STATE_UNAVAILABLE", "no answer", {
      retryable: true,
    });
    expect((await send("POST", "/v1/runs", ORDER, headers)).status).toBe(503);
    world.room.orderFailure = null;
    expect((await send("POST", "/v1/runs", ORDER, headers)).status).toBe(202);
    expect(world.room.orders).toBe(1);
  });

  test("that guards block lists every blocker at once", async () => {
    await world.app.close();
    world = await fakeWorld({ standbyReady: false });
    const { status, body } = await send("POST", "/v1/runs", ORDER, { "idempotency-key": "k1" });
    expect(status).toBe(409);
    expect(body.code).toBe("GUARD_BLOCKED");
    const names = body.blockers?.map((blocker) => blocker.name);
    expect(names).toEqual(expect.arrayContaining(["target-ready", "data-fresh", "schema-parity"]));
    for (const { sentence } of body.blockers ?? []) expect(body.detail).toContain(sentence);
    expect(world.audit.entries.map(({ detail }) => detail)).toMatchObject([
      { outcome: "asked" },
      { outcome: "refused: GUARD_BLOCKED" },
    ]);
  });

  test("is refused when it cannot be written down", async () => {
    world.audit.append = () =>
      Promise.reject(
        new CloudPhoenixError("STATE_UNAVAILABLE", "the state database is gone", {
          retryable: true,
        }),
      );
    const { status } = await send("POST", "/v1/runs", ORDER, { "idempotency-key": "k1" });
    expect(status).toBe(503);
    expect(world.room.orders).toBe(0);
  });
});

describe("a command to a run", () => {
  test.each([
    ["approve", { by: "ada", comment: "ok" }, { comment: "ok", planId: "dr-1" }],
    ["pause", { by: "ada" }, {}],
    ["resume", { by: "ada" }, {}],
    ["cancel", { by: "ada", reason: "enough" }, { reason: "enough" }],
    ["retry", { by: "ada", step: "promote-database" }, { step: "promote-database" }],
    [
      "skip",
      { by: "ada", step: "promote-database", reason: "done by hand" },
      { step: "promote-database", reason: "done by hand" },
    ],
  ])("%s reaches the runner and the audit log", async (verb, body, command) => {
    const id = await startedRun();
    const answer = await send<Started>("POST", `/v1/runs/${id}/${verb}`, body, {
      "idempotency-key": "c1",
    });
    expect(answer.status).toBe(202);
    expect(answer.body.run.id).toBe(id);
    expect(world.room.commands).toEqual([
      { runId: id, command: { kind: verb, by: "ada", ...command }, key: "c1" },
    ]);
    expect(world.audit.entries.at(-1)).toMatchObject({ who: "operator:ada", what: `run.${verb}` });
  });

  test.each([
    ["cancel", { by: "ada" }],
    ["skip", { by: "ada", step: "promote-database" }],
    ["retry", { by: "ada" }],
    ["pause", {}],
  ])("%s is refused without what it must say", async (verb, body) => {
    const id = await startedRun();
    expect((await send("POST", `/v1/runs/${id}/${verb}`, body)).status).toBe(400);
    expect(world.room.commands).toEqual([]);
  });

  test("is refused for a step the plan does not have, and names those it has", async () => {
    const id = await startedRun();
    const { status, body } = await send("POST", `/v1/runs/${id}/retry`, {
      by: "ada",
      step: "dance",
    });
    expect(status).toBe(400);
    expect(body.hint).toContain("promote-database");
  });

  test("is refused for a run that has ended", async () => {
    const id = await startedRun();
    await world.runs.setStatus(id, { status: "completed", waitingFor: null, endedAtMs: NOW_MS });
    const { status, body } = await send("POST", `/v1/runs/${id}/pause`, { by: "ada" });
    expect(status).toBe(409);
    expect(body.detail).toContain("has ended (completed)");
    expect(world.room.commands).toEqual([]);
  });

  test("is refused for a run nobody knows", async () => {
    expect((await send("POST", "/v1/runs/none/pause", { by: "ada" })).status).toBe(404);
  });
});

describe("the exact loss of a run", () => {
  test("is read on request and written down", async () => {
    const id = await startedRun();
    const answer = await send("POST", `/v1/runs/${id}/loss`, { by: "ada" });
    expect(answer).toMatchObject({ status: 200, body: LOSS });
    expect(world.audit.entries.at(-1)).toMatchObject({ who: "operator:ada", what: "run.loss" });
  });

  test("does not exist for a run that promoted nothing", async () => {
    const order = { ...ORDER, kind: "heal" };
    const { body } = await send<Started>("POST", "/v1/runs", order, { "idempotency-key": "h" });
    const answer = await send("POST", `/v1/runs/${body.run.id}/loss`, { by: "ada" });
    expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
  });
});

describe("maintenance", () => {
  test("is switched with a name and a reason", async () => {
    const answer = await send("PUT", "/v1/maintenance", { on: true, reason: "upgrade", by: "ada" });
    expect(answer).toMatchObject({ status: 200, body: { maintenance: "upgrade" } });
    expect(world.room.maintained).toEqual([{ on: true, reason: "upgrade", by: "ada" }]);
    expect(world.audit.entries[0]).toMatchObject({ what: "maintenance.on", why: "upgrade" });
  });
});

describe("an unexpected failure", () => {
  test("leaks nothing but is logged under its request id", async () => {
    world.room.orderFailure = new Error("connect to postgresql://root:hunter2@db failed");
    const { status, body } = await send("POST", "/v1/runs", ORDER, { "idempotency-key": "k1" });
    expect(status).toBe(500);
    expect(body).toEqual({
      type: "about:blank",
      title: "Internal error",
      status: 500,
      code: "INTERNAL",
      detail: "something failed inside the controller",
      hint: "Search the controller's log for the request id.",
      requestId: body.requestId,
    });
    expect(world.log.join("")).toContain(body.requestId);
  });

  test("never puts the token into the log", async () => {
    await get("/v1/status");
    await get("/v1/nonsense");
    expect(world.log.join("")).not.toContain(TOKEN);
  });
});

describe("a follower", () => {
  beforeEach(async () => {
    await world.app.close();
    world = await fakeWorld({ leads: false });
  });

  test.each([
    ["POST", "/v1/runs", ORDER],
    ["POST", "/v1/runs/some/approve", { by: "ada" }],
    ["POST", "/v1/runs/some/cancel", { by: "ada", reason: "x" }],
    ["POST", "/v1/runs/some/loss", { by: "ada" }],
    ["POST", "/v1/plans", { kind: "dr" }],
    ["PUT", "/v1/maintenance", { on: true, reason: "x", by: "ada" }],
  ] as const)("refuses %s %s", async (method, url, body) => {
    const answer = await send(method, url, body, { "idempotency-key": "k" });
    expect(answer.status).toBe(503);
    expect(answer.body.code).toBe("NOT_LEADER");
    expect(answer.headers["retry-after"]).toBe("1");
    expect(world.audit.entries).toEqual([]);
  });

  test("is alive but not ready", async () => {
    expect((await get("/live", {})).status).toBe(200);
    expect(await get("/ready", {})).toMatchObject({
      status: 503,
      body: { ready: false, role: "follower" },
    });
  });

  test("shows roles and runs, and says that it does not know the rest", async () => {
    const { status, body } = await get("/v1/status");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      controller: { role: "follower", epoch: null },
      active: "aws-us-east-1",
      sites: [{ score: null, level: null }, {}],
      decision: null,
      protected: { yes: false, why: "This controller follows; ask the leader." },
    });
    expect((await get("/v1/runs")).body).toEqual({ runs: [] });
  });
});

describe("a leader", () => {
  test("is ready once it has decided", async () => {
    expect(await get("/ready", {})).toMatchObject({
      status: 200,
      body: { ready: true, role: "leader" },
    });
  });
});
