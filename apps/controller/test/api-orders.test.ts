import { CloudPhoenixError } from "@cloudphoenix/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DryRun } from "../src/api/control-room.ts";
import { ORDER, send, type Started, startedRun } from "./api-client.ts";
import { type FakeWorld, fakeWorld, LOSS, NOW_MS } from "./fake-world.ts";

let world: FakeWorld;

beforeEach(async () => {
  world = await fakeWorld();
});

afterEach(async () => {
  await world.app.close();
});

describe("a dry run", () => {
  test("shows plan, guards and steps, and changes nothing", async () => {
    const { status, body } = await send<DryRun>(world, "POST /v1/plans", { kind: "dr" });
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
    const { status, body } = await send<Started>(world, "POST /v1/runs", ORDER, {
      "idempotency-key": "k1",
    });
    expect(status).toBe(202);
    expect(body.run).toMatchObject({ status: "running", startedBy: "operator:ada" });
    expect(world.audit.entries).toMatchObject([
      { who: "operator:ada", what: "run.start", why: "exercise", detail: { outcome: "asked" } },
    ]);
  });

  test("wants an idempotency key", async () => {
    const { status, body } = await send(world, "POST /v1/runs", ORDER);
    expect(status).toBe(400);
    expect(body.errors?.[0]?.path).toBe("headers.idempotency-key");
    expect(world.room.orders).toBe(0);
  });

  test("sent twice with one key starts one run", async () => {
    const headers = { "idempotency-key": "k1" };
    const first = await send<Started>(world, "POST /v1/runs", ORDER, headers);
    const second = await send<Started>(world, "POST /v1/runs", ORDER, headers);
    expect(second.status).toBe(202);
    expect(second.body.run.id).toBe(first.body.run.id);
    expect(second.headers["idempotency-replayed"]).toBe("true");
    expect(world.room.orders).toBe(1);
  });

  test("sent at the same time with one key starts one run", async () => {
    const answers = await Promise.all(
      [1, 2, 3].map(() =>
        send<Started>(world, "POST /v1/runs", ORDER, { "idempotency-key": "k1" }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(new Set(answers.map(({ body }) => body.run.id)).size).toBe(1);
    expect(world.room.orders).toBe(1);
  });

  test("with a used key and another body is refused", async () => {
    const headers = { "idempotency-key": "k1" };
    await send(world, "POST /v1/runs", ORDER, headers);
    const other = await send(world, "POST /v1/runs", { ...ORDER, kind: "heal" }, headers);
    expect(other.status).toBe(409);
    expect(other.body.code).toBe("CONFLICT");
    expect(world.room.orders).toBe(1);
  });

  test("that failed may be sent again with its key", async () => {
    const headers = { "idempotency-key": "k1" };
    world.room.orderFailure = new CloudPhoenixError("STATE_UNAVAILABLE", "no answer", {
      retryable: true,
    });
    expect((await send(world, "POST /v1/runs", ORDER, headers)).status).toBe(503);
    world.room.orderFailure = null;
    expect((await send(world, "POST /v1/runs", ORDER, headers)).status).toBe(202);
    expect(world.room.orders).toBe(1);
  });

  test("that started its run before the controller died starts no second one", async () => {
    const headers = { "idempotency-key": "k1" };
    world.room.cutOff = new CloudPhoenixError("STATE_UNAVAILABLE", "killed", { retryable: true });
    expect((await send(world, "POST /v1/runs", ORDER, headers)).status).toBe(503);
    world.room.cutOff = null;
    const again = await send<Started>(world, "POST /v1/runs", ORDER, headers);
    expect(again.status).toBe(202);
    expect(again.headers["idempotency-replayed"]).toBe("true");
    expect(world.room.orders).toBe(1);
    expect((await world.runs.list(10)).map(({ id }) => id)).toEqual([again.body.run.id]);
  });

  test("that was cut off before it started a run starts it under the id it had", async () => {
    const headers = { "idempotency-key": "k1" };
    world.room.orderFailure = new CloudPhoenixError("STATE_UNAVAILABLE", "killed", {
      retryable: true,
    });
    expect((await send(world, "POST /v1/runs", ORDER, headers)).status).toBe(503);
    const remembered = await world.facts.get("run-request:k1");
    world.room.orderFailure = null;
    const again = await send<Started>(world, "POST /v1/runs", ORDER, headers);
    expect(remembered).toMatchObject({ run: again.body.run.id });
    expect(again.headers["idempotency-replayed"]).toBeUndefined();
  });

  test("that guards block lists every blocker at once", async () => {
    await world.app.close();
    world = await fakeWorld({ standbyReady: false });
    const { status, body } = await send(world, "POST /v1/runs", ORDER, {
      "idempotency-key": "k1",
    });
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
    const { status } = await send(world, "POST /v1/runs", ORDER, { "idempotency-key": "k1" });
    expect(status).toBe(503);
    expect(world.room.orders).toBe(0);
  });
});

describe("a rollback", () => {
  const NAMED = { kind: "rollback", from: "azure-westeurope" };

  test("is planned and ordered with the site that is named, which is written down", async () => {
    const asked = vi.spyOn(world.room, "dryRun");
    const { status, body } = await send<DryRun>(world, "POST /v1/plans", NAMED);
    expect(status).toBe(200);
    expect(body.guards.map(({ guard }) => guard)).toEqual(
      expect.arrayContaining(["move-to-undo", "never-opened"]),
    );
    expect(asked.mock.calls[0]?.[0]).toMatchObject(NAMED);

    const ordered = vi.spyOn(world.room, "order");
    const order = { ...ORDER, ...NAMED };
    const started = await send(world, "POST /v1/runs", order, { "idempotency-key": "k1" });
    expect(started.status).toBe(202);
    expect(ordered.mock.calls[0]?.[0]).toMatchObject(NAMED);
    expect(world.audit.entries[0]?.detail).toMatchObject(NAMED);
  });

  test("that names another site under the same key is another request", async () => {
    const headers = { "idempotency-key": "k1" };
    await send(world, "POST /v1/runs", { ...ORDER, ...NAMED }, headers);
    const other = await send(world, "POST /v1/runs", { ...ORDER, kind: "rollback" }, headers);
    expect(other.status).toBe(409);
  });
});

describe("a command to a run", () => {
  test.each([
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
    const id = await startedRun(world);
    const answer = await send<Started>(world, `POST /v1/runs/${id}/${verb}`, body, {
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
    ["approve", { by: "ada" }],
    ["approve", { by: "ada", question: "1" }],
    ["pause", {}],
  ])("%s is refused without what it must say", async (verb, body) => {
    const id = await startedRun(world);
    expect((await send(world, `POST /v1/runs/${id}/${verb}`, body)).status).toBe(400);
    expect(world.room.commands).toEqual([]);
  });

  test("is refused for a step the plan does not have, and names those it has", async () => {
    const id = await startedRun(world);
    const { status, body } = await send(world, `POST /v1/runs/${id}/retry`, {
      by: "ada",
      step: "dance",
    });
    expect(status).toBe(400);
    expect(body.hint).toContain("promote-database");
  });

  test("is refused for a run that has ended", async () => {
    const id = await startedRun(world);
    await world.runs.setStatus(id, {
      status: "completed",
      waitingFor: null,
      question: null,
      endedAtMs: NOW_MS,
      order: 9,
    });
    const { status, body } = await send(world, `POST /v1/runs/${id}/pause`, { by: "ada" });
    expect(status).toBe(409);
    expect(body.detail).toContain("has ended (completed)");
    expect(world.room.commands).toEqual([]);
  });

  test("approves the question that is open, and the audit log says which one", async () => {
    const id = await askingRun(2);
    const answer = await send<Started>(
      world,
      `POST /v1/runs/${id}/approve`,
      { by: "ada", question: 2, comment: "ok" },
      { "idempotency-key": "c1" },
    );
    expect(answer).toMatchObject({ status: 202, body: { run: { question: 2 } } });
    expect(world.room.commands).toEqual([
      {
        runId: id,
        command: { kind: "approve", by: "ada", comment: "ok", question: 2 },
        key: "c1",
      },
    ]);
    expect(world.audit.entries.at(-1)).toMatchObject({
      who: "operator:ada",
      what: "run.approve",
      why: "ok",
      detail: { question: 2 },
    });
  });

  test("does not approve what was asked before, and says what is asked now", async () => {
    const id = await askingRun(2);
    const approval = { by: "ada", question: 1 };
    const { status, body } = await send(world, `POST /v1/runs/${id}/approve`, approval);
    expect(status).toBe(409);
    expect(body.detail).toContain("question 1 of run dr-1 is not open");
    expect(body.detail).toContain("now asks question 2: approval by 1 person: Go on?");
    expect(body.hint).toContain("cloudphoenix run show dr-1");
    expect(world.room.commands).toEqual([]);
  });

  test("does not approve while the run asks nothing", async () => {
    const id = await startedRun(world);
    const approval = { by: "ada", question: 1 };
    const { status, body } = await send(world, `POST /v1/runs/${id}/approve`, approval);
    expect(status).toBe(409);
    expect(body.detail).toContain("asks nothing now (running)");
    expect(world.room.commands).toEqual([]);
  });

  test("is refused for a run nobody knows", async () => {
    expect((await send(world, "POST /v1/runs/none/pause", { by: "ada" })).status).toBe(404);
  });
});

/** A run that asks its `question`th question. */
async function askingRun(question: number): Promise<string> {
  const id = await startedRun(world);
  const waitingFor = "approval by 1 person: Go on?";
  const status = { status: "waiting-approval", endedAtMs: null, order: 3 } as const;
  await world.runs.setStatus(id, { ...status, waitingFor, question });
  return id;
}

describe("the exact loss of a run", () => {
  test("is read on request and written down", async () => {
    const id = await startedRun(world);
    const answer = await send(world, `POST /v1/runs/${id}/loss`, { by: "ada" });
    expect(answer).toMatchObject({ status: 200, body: LOSS });
    expect(world.audit.entries.at(-1)).toMatchObject({ who: "operator:ada", what: "run.loss" });
  });

  test("does not exist for a run that promoted nothing", async () => {
    const order = { ...ORDER, kind: "heal" };
    const { body } = await send<Started>(world, "POST /v1/runs", order, {
      "idempotency-key": "h",
    });
    const answer = await send(world, `POST /v1/runs/${body.run.id}/loss`, { by: "ada" });
    expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
  });
});

describe("maintenance", () => {
  test("is switched with a name and a reason", async () => {
    const answer = await send(world, "PUT /v1/maintenance", {
      on: true,
      reason: "upgrade",
      by: "ada",
    });
    expect(answer).toMatchObject({ status: 200, body: { maintenance: "upgrade" } });
    expect(world.room.maintained).toEqual([{ on: true, reason: "upgrade", by: "ada" }]);
    expect(world.audit.entries[0]).toMatchObject({ what: "maintenance.on", why: "upgrade" });
  });
});
