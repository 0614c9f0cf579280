/** The follower as processes: killed, frozen, two at once, and roles that turn round under it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { samplePlan } from "./sample-plan.ts";
import { AWS, AZURE, eventually, put, textAt, WorkerFixture } from "./worker-fixture.ts";

let world: WorkerFixture;

beforeAll(async () => {
  world = await WorkerFixture.start({ objects: "reconcile: 1s, canary: 500ms" });
});

afterAll(async () => {
  await world.remove();
});

/** Stores an object at the active site and waits for it at the standby. */
async function travels(key: string, text: string, from = world.active, to = world.standby) {
  await put(from.store, key, text);
  await eventually(`${key} at the standby`, async () =>
    (await textAt(to.store, key)) === text ? true : null,
  );
}

test("one of two workers follows; when it is killed the other takes over and goes on", async () => {
  const workers = [world.worker(), world.worker()];
  const first = await eventually(
    "a follower",
    async () => workers.find((worker) => worker.said("copying objects")) ?? null,
  );
  await travels("receipts/1", "one");
  expect(workers.filter((worker) => worker.said("copying objects"))).toHaveLength(1);
  const before = await eventually("facts", async () => {
    const facts = await world.facts();
    return facts?.markMs != null ? facts : null;
  });
  expect(before).toMatchObject({ from: AWS, to: AZURE, generation: 1, paused: null });

  first.kill("SIGKILL");
  const second = workers.find((worker) => worker !== first)!;
  await second.until("copying objects");
  await travels("receipts/2", "two");
  const after = await eventually("newer facts", async () => {
    const facts = await world.facts();
    return (facts?.markMs ?? 0) > before.markMs! ? facts : null;
  });
  expect(after).toMatchObject({ failed: 0, paused: null });
}, 60_000);

test("a frozen follower is followed by another, and writes nothing when it wakes", async () => {
  const frozen = world.workers.find((worker) => worker.isAlive)!;
  const next = world.worker();
  await next.until("working");
  frozen.kill("SIGSTOP");
  await next.until("copying objects");
  await travels("receipts/3", "three");
  frozen.kill("SIGCONT");
  await frozen.until("a claim was lost");
  await travels("receipts/4", "four");
  const task = await world.followTask(AZURE);
  expect(task).toMatchObject({ status: "claimed" });
  expect(task.holder).toMatch(new RegExp(`/${next.child.pid}$`, "u"));
  // An orderly stop gives the copy back at once.
  next.kill("SIGTERM");
  expect(await next.exit).toBe(0);
  await travels("receipts/4b", "four and a half");
  expect((await world.followTask(AZURE)).holder).toMatch(new RegExp(`/${frozen.child.pid}$`, "u"));
}, 60_000);

test("while a site is quarantined nothing is written there, and it is said", async () => {
  await world.state.facts.put(`quarantine:${AZURE}`, { site: AZURE, decisions: [] });
  const paused = await eventually("the pause", async () => {
    const facts = await world.facts();
    return facts?.paused == null ? null : facts;
  });
  expect(paused.paused).toContain("quarantined");
  await put(world.active.store, "receipts/5", "five");
  const later = await eventually("an older backlog", async () => {
    const facts = await world.facts();
    return facts!.backlogAgeMs! > paused.backlogAgeMs! + 2_000 ? facts : null;
  });
  expect(later.paused).toContain("quarantined");
  expect(await textAt(world.standby.store, "receipts/5")).toBeNull();
  await world.state.facts.put(`quarantine:${AZURE}`, null);
  await eventually("receipts/5", () => textAt(world.standby.store, "receipts/5"));
});

test("after a move objects flow the other way, and what only the old site has is left alone", async () => {
  // Known at both sites, then written at the new one.
  await travels("cart", "of the old site");
  await eventually("a mark", async () => {
    const facts = await world.facts();
    const stored = await world.active.store.head("cart", new AbortController().signal);
    return facts!.markMs! > stored!.modifiedMs + 4_000 ? true : null;
  });
  // Nothing follows: what is stored now at the old site never gets over.
  await world.state.facts.put(`quarantine:${AZURE}`, { site: AZURE, decisions: [] });
  await eventually("the pause", async () => ((await world.facts())!.paused === null ? null : true));
  await put(world.active.store, "lost", "acknowledged, never copied");
  await put(world.active.store, "both", "of the old site");

  await world.state.roles.claim("run-1", 2, AWS);
  await world.state.roles.settle(2, { active: AZURE, protected: true });
  await put(world.standby.store, "cart", "of the new site");
  await put(world.standby.store, "both", "of the new site");
  await put(world.standby.store, "new", "1");
  // The run is not known: nobody may say that it is over.
  await world.state.facts.put(`quarantine:${AZURE}`, null);
  const moving = await eventually("word of the run", async () => {
    const facts = await world.facts();
    return facts!.paused?.includes("run-1") === true ? facts : null;
  });
  expect(moving).toMatchObject({ from: AWS, to: AZURE });
  expect(await textAt(world.active.store, "new")).toBeNull();

  const { roles, runs } = world.state;
  await runs.create({ plan: samplePlan("run-1", 2), startedBy: "test", atMs: 1 });
  await runs.setStatus("run-1", {
    status: "completed",
    waitingFor: null,
    question: null,
    endedAtMs: 2,
    order: 1,
  });
  expect((await roles.read()).active).toBe(AZURE);

  await eventually("new at the old site", () => textAt(world.active.store, "new"));
  await eventually("cart at the old site", async () =>
    (await textAt(world.active.store, "cart")) === "of the new site" ? true : null,
  );
  const facts = await eventually("the conflict", async () => {
    const told = await world.facts();
    return told!.failed > 0 ? told : null;
  });
  expect(facts).toMatchObject({ from: AZURE, to: AWS, generation: 2 });
  expect(facts.failures).toMatchObject([{ key: "both", code: "CONFLICT" }]);
  expect(await textAt(world.active.store, "both")).toBe("of the old site");
  expect(await textAt(world.active.store, "lost")).toBe("acknowledged, never copied");
}, 60_000);
