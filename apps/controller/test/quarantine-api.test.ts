import { afterEach, describe, expect, test } from "vitest";
import type { ObjectDivergence, ReapplyResult } from "@cloudphoenix/engine";
import type { Problem } from "../src/api/schemas/problem-schema.ts";
import type { QuarantineView } from "../src/api/views/quarantine-view.ts";
import type { StatusView } from "../src/api/views/status-view.ts";
import { type Answer, get, send } from "./api-client.ts";
import { LOST, LOST_OBJECTS, RETURNED, SILENT } from "./fake-quarantine.ts";
import { authorized, type FakeWorld, fakeWorld } from "./fake-world.ts";

// Goal: what a returned site alone holds can be seen, kept, written back or given up, each in
// somebody's name; and nobody gets past that with one request.

let world: FakeWorld;

afterEach(async () => {
  await world.app.close();
});

const post = <T = Problem>(path: `/${string}`, body: object): Promise<Answer<T>> =>
  send<T>(world, `POST ${path}`, body, { "idempotency-key": `key-${Math.random()}` });

interface One {
  readonly quarantine: QuarantineView;
}

interface WithObjects extends One {
  readonly rows: readonly unknown[];
  readonly objects: ObjectDivergence | null;
}

const accept = (by: string): Promise<Answer<One>> =>
  post<One>(`/v1/quarantine/${RETURNED}/accept`, { by, reason: "test data" });

const rejoin = (): Promise<Answer<Problem>> =>
  post("/v1/runs", { kind: "rejoin", target: RETURNED, reason: "back to normal", by: "ann" });

describe("reading", () => {
  test("shows what the site alone holds, the first changes, and what has to be decided", async () => {
    world = await fakeWorld({ quarantined: true });

    const list = await get<{ quarantines: QuarantineView[] }>(world, "/v1/quarantine");
    const one = await get<One & { rows: unknown[] }>(world, `/v1/quarantine/${RETURNED}?rows=2`);
    const status = await get<StatusView>(world, "/v1/status");

    expect(list.body.quarantines).toMatchObject([
      {
        site: RETURNED,
        divergence: { transactions: 3 },
        missing: expect.stringContaining("export"),
      },
    ]);
    expect(one.body.rows).toEqual(LOST.slice(0, 2));
    expect(status.body.quarantined.map((each) => each.site)).toEqual([RETURNED]);
  });

  test("counts the objects that only the site has or has otherwise, and names the first", async () => {
    world = await fakeWorld({ quarantined: true });
    const path = `/v1/quarantine/${RETURNED}`;

    const { body } = await get<WithObjects>(world, `${path}?objects=1`);
    const unasked = await get<WithObjects>(world, `${path}?objects=0`);

    expect(body.objects).toEqual({
      looked: 30,
      onlyThere: 1,
      differing: 1,
      outdated: 1,
      bytes: 200,
      complete: true,
      trouble: null,
      first: [LOST_OBJECTS[0]],
    });
    expect(unasked.body.objects).toBeNull();
  });

  test("shows the rows also where the store of the site does not answer, and says so", async () => {
    world = await fakeWorld({ quarantined: true, objects: "silent" });

    const { body } = await get<WithObjects>(world, `/v1/quarantine/${RETURNED}`);

    expect(body.rows).toEqual(LOST);
    expect(body.objects).toMatchObject({ complete: false, looked: 0, trouble: SILENT });
  });

  test("shows no objects where the application has none", async () => {
    world = await fakeWorld({ quarantined: true, objects: "none" });

    const { body } = await get<WithObjects>(world, `/v1/quarantine/${RETURNED}`);

    expect(body.objects).toBeNull();
  });

  test("a site that is not quarantined is no such thing", async () => {
    world = await fakeWorld();

    expect((await get(world, `/v1/quarantine/${RETURNED}`)).status).toBe(404);
    expect((await get(world, "/v1/quarantine")).body).toEqual({ quarantines: [] });
  });

  test("is for the leader", async () => {
    world = await fakeWorld({ leads: false });

    expect((await get(world, "/v1/quarantine")).status).toBe(503);
  });
});

describe("an export of the objects", () => {
  const url = `/v1/quarantine/${RETURNED}/objects`;
  const exported = async (): Promise<{ statusCode: number; lines: readonly unknown[] }> => {
    const answer = await world.app.inject({ method: "GET", url, headers: authorized() });
    const { statusCode, body } = answer;
    const lines = statusCode === 200 ? body.trim().split("\n") : [];
    return { statusCode, lines: lines.map((line): unknown => JSON.parse(line)) };
  };

  test("streams every one, outdated ones too, and says at its end how many there were", async () => {
    world = await fakeWorld({ quarantined: true });

    expect((await exported()).lines).toEqual([...LOST_OBJECTS, { end: true, objects: 3 }]);
  });

  test("says that there is nothing to list where the application has no objects", async () => {
    world = await fakeWorld({ quarantined: true, objects: "none" });

    expect((await exported()).lines).toEqual([{ end: true, objects: null }]);
  });

  test("is refused, not begun, while the store of the site does not answer", async () => {
    world = await fakeWorld({ quarantined: true, objects: "silent" });

    expect((await exported()).statusCode).toBeGreaterThanOrEqual(500);
  });

  test("is for a site that is quarantined", async () => {
    world = await fakeWorld();

    expect((await exported()).statusCode).toBe(404);
  });
});

describe("an export", () => {
  test("streams every change and says at its end how many there were", async () => {
    world = await fakeWorld({ quarantined: true });
    const url = `/v1/quarantine/${RETURNED}/rows`;

    const answer = await world.app.inject({ method: "GET", url, headers: authorized() });

    const lines = answer.body.trim().split("\n");
    expect(answer.headers["content-type"]).toContain("ndjson");
    expect(lines.slice(0, -1).map((line) => JSON.parse(line) as unknown)).toEqual(LOST);
    expect(JSON.parse(lines.at(-1) ?? "")).toEqual({ end: true, rows: LOST.length });
  });

  test("counts as a decision only if everything that was sent was kept", async () => {
    world = await fakeWorld({ quarantined: true });
    const url = `/v1/quarantine/${RETURNED}`;
    const kept = (rows: number): Promise<Answer<One>> =>
      post<One>(`${url}/exported`, { by: "ann", rows, file: "/tmp/kept" });
    expect((await kept(LOST.length)).status).toBe(409);

    await world.app.inject({ method: "GET", url: `${url}/rows`, headers: authorized() });

    expect((await kept(LOST.length - 1)).status).toBe(409);
    expect((await kept(LOST.length)).body.quarantine.missing).toBeNull();
  });
});

describe("giving data up", () => {
  test("takes two different people where the policy wants two, and every try is on record", async () => {
    world = await fakeWorld({ quarantined: true, approversForRisk: 2 });

    const first = await accept("ann");
    const again = await accept("Ann");
    const refused = await rejoin();
    const second = await accept("bob");
    const started = await rejoin();

    expect(first.body.quarantine.missing).toContain("1 of 2 people have accepted");
    expect(again.status).toBe(409);
    expect(refused.status).toBe(409);
    expect(refused.body.blockers).toMatchObject([{ name: "quarantine" }]);
    expect(second.body.quarantine.missing).toBeNull();
    expect(started.status).toBe(202);
    expect(world.audit.entries.map(({ who, what }) => `${who} ${what}`)).toEqual([
      "operator:ann quarantine.accept",
      "operator:Ann quarantine.accept",
      "operator:Ann quarantine.accept",
      "operator:ann run.start",
      "operator:ann run.start",
      "operator:bob quarantine.accept",
      "operator:ann run.start",
    ]);
  });

  test("wants a name and a reason", async () => {
    world = await fakeWorld({ quarantined: true });
    const url = `/v1/quarantine/${RETURNED}/accept`;

    expect((await post(url, { by: "ann" })).status).toBe(400);
    expect((await post(url, { reason: "because" })).status).toBe(400);
  });

  test("a move with a loss is not started without saying so, whatever else is said", async () => {
    world = await fakeWorld({ standbyReady: false, approversForRisk: 2 });

    const order = { kind: "dr", reason: "now", by: "ann" };
    const answer = await post("/v1/runs", order);

    expect(answer.status).toBe(409);
    expect(answer.body.blockers?.map((one) => one.name)).toContain("data-fresh");
  });
});

describe("writing back", () => {
  test("decides if nothing conflicts", async () => {
    world = await fakeWorld({ quarantined: true });

    const { body } = await post<ReapplyResult>(`/v1/quarantine/${RETURNED}/reapply`, {
      by: "ann",
      reason: "customers want them",
    });

    expect(body).toMatchObject({ applied: 3, conflicting: 0 });
    expect((await rejoin()).status).toBe(202);
  });

  test("names what conflicts and does not decide about it", async () => {
    world = await fakeWorld({ quarantined: true, conflicting: 1 });

    const { body } = await post<ReapplyResult>(`/v1/quarantine/${RETURNED}/reapply`, {
      by: "ann",
      reason: "customers want them",
    });

    expect(body).toMatchObject({ applied: 2, conflicting: 1, conflicts: [LOST[0]] });
    expect((await rejoin()).status).toBe(409);
  });
});

test("nobody goes home while a site is quarantined", async () => {
  world = await fakeWorld({ quarantined: true });

  const answer = await post("/v1/runs", { kind: "failback", reason: "home", by: "ann" });

  expect(answer.status).toBe(409);
});
