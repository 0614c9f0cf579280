// Goal: everybody may ask how the application is and learns nothing else, and however many ask, the
// state database is read once a second.
import { CloudPhoenixError } from "@cloudphoenix/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { authorized, type FakeWorld, fakeWorld, NOW_MS } from "./fake-world.ts";

let world: FakeWorld;

beforeEach(async () => {
  world = await fakeWorld();
});

afterEach(() => world.app.close());

async function ask(): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await world.app.inject({ method: "GET", url: "/public/status" });
  return { status: answer.statusCode, body: answer.json() };
}

async function start(kind: string): Promise<void> {
  await world.app.inject({
    method: "POST",
    url: "/v1/runs",
    headers: authorized({ "content-type": "application/json", "idempotency-key": kind }),
    payload: JSON.stringify({ kind, reason: "secret reason", by: "ada", acceptLoss: false }),
  });
}

const AT_HOME = {
  atMs: NOW_MS,
  application: "shop",
  active: "aws-us-east-1",
  protected: true,
  move: null,
  sites: ["aws-us-east-1", "azure-westeurope"].map((id) => ({
    id,
    score: 0,
    level: "none",
    coverage: 1,
    evaluatedAtMs: NOW_MS,
  })),
};

describe("the status for everybody", () => {
  test("has these fields and no other, whoever asks", async () => {
    expect(await ask()).toEqual({ status: 200, body: AT_HOME });
  });

  test("says where a move that is under way goes to and since when, not why and by whom", async () => {
    await start("dr");
    const { body } = await ask();

    expect(body).toEqual({
      ...AT_HOME,
      move: { kind: "dr", to: "azure-westeurope", sinceMs: NOW_MS },
    });
    expect(JSON.stringify(body)).not.toMatch(/ada|secret|127\.0|http/);
  });

  test.each(["completed", "failed", "undone", "stuck", "superseded"] as const)(
    "says nothing of a move that is %s",
    async (status) => {
      await start("dr");
      await world.runs.setStatus("dr-1", {
        status,
        waitingFor: null,
        question: null,
        endedAtMs: NOW_MS,
        order: 9,
      });

      expect((await ask()).body).toEqual(AT_HOME);
    },
  );

  test("says nothing of a move that nobody has agreed to yet", async () => {
    await start("dr");
    const waiting = {
      status: "waiting-approval",
      waitingFor: "ada",
      question: 1,
      endedAtMs: null,
    } as const;
    await world.runs.setStatus("dr-1", { ...waiting, order: 9 });

    expect((await ask()).body).toEqual(AT_HOME);
  });

  test("speaks of a move that waits for a person half-way", async () => {
    await start("dr");
    const [first] = (await world.runs.get("dr-1"))?.steps ?? [];
    await world.runs.putStep("dr-1", { ...first!, status: "done" }, 9);
    const waiting = {
      status: "waiting-approval",
      waitingFor: "ada",
      question: 1,
      endedAtMs: null,
    } as const;
    await world.runs.setStatus("dr-1", { ...waiting, order: 9 });

    expect((await ask()).body).toMatchObject({ move: { to: "azure-westeurope" } });
  });

  test("says nothing of a heal: nobody moves", async () => {
    const plan = { ...(await planOf("dr")), id: "heal-9", kind: "heal" } as const;
    await world.runs.create({ plan, startedBy: "decision", atMs: NOW_MS });

    expect((await ask()).body).toEqual(AT_HOME);
  });

  test("is known in part on a follower, like the status for engineers", async () => {
    await world.app.close();
    world = await fakeWorld({ leads: false });

    const unknown = { score: null, level: null, coverage: null, evaluatedAtMs: null };
    expect((await ask()).body).toEqual({
      ...AT_HOME,
      protected: null,
      sites: AT_HOME.sites.map(({ id }) => ({ id, ...unknown })),
    });
  });
});

describe("many who ask at once", () => {
  test("cost one read of the state database a second", async () => {
    const read = vi.spyOn(world.runs, "list");

    await Promise.all(Array.from({ length: 100 }, ask));
    world.time.nowMs += 999;
    await ask();
    expect(read).toHaveBeenCalledTimes(1);

    world.time.nowMs += 1;
    await Promise.all(Array.from({ length: 100 }, ask));
    expect(read).toHaveBeenCalledTimes(2);
  });

  test("are answered anew by a clock that was set back", async () => {
    await ask();
    world.time.nowMs -= 3_600_000;

    expect((await ask()).body).toMatchObject({ atMs: NOW_MS - 3_600_000 });
  });

  test("hear of a state database that is away, and the next one asks again", async () => {
    const away = new CloudPhoenixError("STATE_UNAVAILABLE", "no answer", { retryable: true });
    const read = vi.spyOn(world.runs, "list").mockRejectedValueOnce(away);

    const answers = await Promise.all(Array.from({ length: 20 }, ask));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    expect(read).toHaveBeenCalledTimes(1);
    expect((await ask()).status).toBe(200);
  });
});

async function planOf(kind: "dr") {
  const { plan } = await world.room.dryRun({ kind, acceptLoss: false });
  if (plan === null) throw new Error("there is no plan");
  return plan;
}
