import type { SetupPreview, SetupRecord } from "@cloudphoenix/engine";
import { afterEach, beforeEach, expect, test } from "vitest";
import { get, send, startedRun } from "./api-client.ts";
import { type FakeWorld, fakeWorld } from "./fake-world.ts";

// Goal: a set-up can be looked at before it is ordered, is ordered in somebody's name, once, and
// can be followed; nobody sets up in the way of something else.

const ORDER = { reason: "a new table", by: "ada" };
const KEY = { "idempotency-key": "k1" };

let world: FakeWorld;

interface Begun {
  readonly setup: SetupRecord;
}

beforeEach(async () => {
  world = await fakeWorld();
});

afterEach(() => world.app.close());

const preview = "POST /v1/replication/setup/preview";
const order = "POST /v1/replication/setup";

test("a preview names both sites, every change and every problem, and leaves no trace", async () => {
  world.replication.unfit.add("cache");
  const { status, body } = await send<SetupPreview>(world, preview, {});
  expect(status).toBe(200);
  expect(body).toMatchObject({ from: "aws-us-east-1", to: "azure-westeurope" });
  expect(body.changes).toHaveLength(2);
  expect(body.problems.map(({ rule }) => rule)).toEqual(["replica-identity"]);
  expect(world.audit.entries).toEqual([]);
  expect((await get(world, "/v1/replication/setup")).body).toEqual({ setup: null });
});

test("an order begins it, is written down and can be followed", async () => {
  const { status, body } = await send<Begun>(world, order, ORDER, KEY);
  expect(status).toBe(202);
  expect(body.setup).toMatchObject({ status: "running", to: "azure-westeurope", by: "ada" });
  expect(world.audit.entries).toMatchObject([
    {
      who: "operator:ada",
      what: "replication.setup",
      why: "a new table",
      detail: { outcome: "asked" },
    },
  ]);
  const { body: now } = await get<Begun>(world, "/v1/replication/setup");
  expect(now.setup).toMatchObject({ id: body.setup.id, progress: { tables: 2, tablesReady: 0 } });
  expect((await get(world, "/v1/replication")).body).toMatchObject({
    setup: { id: body.setup.id },
  });
});

test("the same key begins one set-up; with another body it is refused; without a key as well", async () => {
  const first = await send<Begun>(world, order, ORDER, KEY);
  const second = await send<Begun>(world, order, ORDER, KEY);
  expect(second.body.setup.id).toBe(first.body.setup.id);
  expect(second.headers["idempotency-replayed"]).toBe("true");
  expect(world.replication.begun).toBe(1);

  const other = await send(world, order, { ...ORDER, reason: "another" }, KEY);
  expect(other).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
  const unkeyed = await send(world, order, ORDER);
  expect(unkeyed.body.errors?.[0]?.path).toBe("headers.idempotency-key");
});

test("what stands against it is listed and the refusal is written down", async () => {
  world.replication.unfit.add("cache").add("logs");
  const { status, body } = await send(world, order, ORDER, KEY);
  expect(status).toBe(409);
  expect(body.code).toBe("REPLICATION_PREFLIGHT");
  expect(body.detail).toContain("table cache");
  expect(body.detail).toContain("table logs");
  expect(world.audit.entries.at(-1)?.detail).toMatchObject({
    outcome: "refused: REPLICATION_PREFLIGHT",
  });
  expect(world.replication.begun).toBe(0);
});

test("it is refused while a run is under way, and towards the active site at any time", async () => {
  const turned = await send(world, order, { ...ORDER, to: "aws-us-east-1" }, KEY);
  expect(turned).toMatchObject({ status: 400, body: { code: "BAD_REQUEST" } });
  const run = await startedRun(world);
  const { status, body } = await send(world, order, ORDER, KEY);
  expect(status).toBe(409);
  expect(body).toMatchObject({ code: "ALREADY_RUNNING", detail: expect.stringContaining(run) });
  expect(world.replication.begun).toBe(0);
});

test("it is refused while a quarantined site waits for a decision, not after one (a full re-seed)", async () => {
  await world.app.close();
  world = await fakeWorld({ quarantined: true });
  const { status, body } = await send(world, order, ORDER, KEY);
  expect(status).toBe(409);
  expect(body).toMatchObject({ code: "CONFLICT", hint: expect.stringContaining("quarantine") });

  const accept = { by: "ada", reason: "full re-seed" };
  await send(world, "POST /v1/quarantine/azure-westeurope/accept", accept);
  expect((await send(world, order, ORDER, { "idempotency-key": "k2" })).status).toBe(202);
});

test("a controller that follows sends people to the leader", async () => {
  await world.app.close();
  world = await fakeWorld({ leads: false });
  expect((await send(world, order, ORDER, KEY)).body.code).toBe("NOT_LEADER");
  expect((await send(world, preview, {})).body.code).toBe("NOT_LEADER");
  expect(await get(world, "/v1/replication/setup")).toMatchObject({ status: 503 });
});
