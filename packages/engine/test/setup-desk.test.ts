import { CloudPhoenixError, type Plan, type RunRecord } from "@cloudphoenix/core";
import {
  MemoryAuditLog,
  MemoryFactStore,
  MemoryRoleStore,
  MemoryRunStore,
  SetupDesk,
  type SetupRecord,
} from "@cloudphoenix/engine";
import {
  SeededRandom,
  SIMULATED_APPLICATION,
  SIMULATED_ROLES,
  SimulatedReplicationSetup,
  VirtualClock,
} from "@cloudphoenix/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { planFor } from "@cloudphoenix/core";
import { A, B } from "./simulation.ts";

// Goal: whoever orders a set-up knows what it does, cannot turn it round, and it never stands in
// the way of a move, nor is forgotten when a controller goes away.

const ORDER = { by: "ann", reason: "a new table" };

let clock: VirtualClock;
let replication: SimulatedReplicationSetup;
let runs: MemoryRunStore;
let roles: MemoryRoleStore;
let facts: MemoryFactStore;
let audit: MemoryAuditLog;
let undecided: string[];
let leads: AbortController[];

beforeEach(() => {
  clock = new VirtualClock();
  replication = new SimulatedReplicationSetup(clock);
  runs = new MemoryRunStore();
  roles = new MemoryRoleStore(SIMULATED_ROLES);
  facts = new MemoryFactStore();
  audit = new MemoryAuditLog();
  undecided = [];
  leads = [];
});

afterEach(() => {
  for (const lead of leads) lead.abort();
});

/** A desk that leads; `end` lets another one take over. */
async function desk(): Promise<{ desk: SetupDesk; end: () => Promise<void> }> {
  const lead = new AbortController();
  leads.push(lead);
  const made = new SetupDesk({
    application: SIMULATED_APPLICATION,
    clock,
    random: new SeededRandom(1),
    roles,
    runs,
    facts,
    audit,
    replication,
    undecided: () => undecided,
    changed: () => undefined,
  });
  const done = made.run(lead.signal);
  await clock.advance(0);
  return {
    desk: made,
    end: async () => {
      lead.abort();
      await done;
    },
  };
}

const soon = (): AbortSignal => AbortSignal.timeout(5_000);

async function startRun(kind: Plan["kind"]): Promise<string> {
  const plan = planFor({
    id: `${kind}-1`,
    kind,
    application: SIMULATED_APPLICATION,
    roles: SIMULATED_ROLES,
    target: kind === "heal" ? A : B,
    nowMs: clock.now(),
    reason: "test",
    approvers: 0,
  });
  await runs.create({ plan, startedBy: "decision", atMs: clock.now() });
  return plan.id;
}

async function endRun(id: string, status: RunRecord["status"] = "completed"): Promise<void> {
  await runs.setStatus(id, {
    status,
    waitingFor: null,
    question: null,
    endedAtMs: clock.now(),
    order: 100,
  });
}

test("an order sets up the only other site, tells its progress, and is written down", async () => {
  const { desk: one } = await desk();

  const record = await one.order(ORDER, soon());
  expect(record).toMatchObject({ from: A, to: B, status: "running", by: "ann" });
  await clock.advance(1_100);
  expect(one.newest?.progress).toMatchObject({ tables: 2, tablesReady: 1, copying: ["items"] });
  await clock.advance(2_000);

  expect(one.newest).toMatchObject({ id: record.id, status: "done", result: { tables: 2 } });
  expect(audit.entries).toMatchObject([
    { who: "operator:ann", what: "replication.setup", detail: { outcome: "done", from: A, to: B } },
  ]);
});

test("a preview lists everything that stands against it at once, and changes nothing", async () => {
  const { desk: one } = await desk();
  replication.unfit.add("cache");
  undecided = [B];
  const run = await startRun("heal");

  const preview = await one.preview(undefined, soon());

  expect(preview).toMatchObject({
    from: A,
    to: B,
    changes: [expect.any(String), expect.any(String)],
  });
  expect(preview.problems.map(({ rule }) => rule)).toEqual([
    "run-under-way",
    "quarantined",
    "replica-identity",
  ]);
  expect(preview.problems[0]?.sentence).toContain(run);
  expect(replication.begun).toBe(0);
  expect(one.newest).toBeNull();
});

test("the active site is never set up from its standby, whatever is typed", async () => {
  const { desk: one } = await desk();

  await expect(one.order({ ...ORDER, to: A }, soon())).rejects.toMatchObject({
    code: "BAD_REQUEST",
    message: `${A} is the active site: others follow it, and its data is the one that counts`,
    hint: `Name one of: ${B}.`,
  });
  await expect(one.preview("nowhere", soon())).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(replication.begun).toBe(0);
});

test("is refused while a run is under way, and while a quarantined site waits for a decision", async () => {
  const { desk: one } = await desk();
  undecided = [B];
  await expect(one.order(ORDER, soon())).rejects.toMatchObject({
    code: "CONFLICT",
    hint: "Decide first: cloudphoenix quarantine show.",
  });
  undecided = [];
  await startRun("dr");
  await expect(one.order(ORDER, soon())).rejects.toMatchObject({
    code: "ALREADY_RUNNING",
    message: expect.stringContaining("dr-1"),
  });
  expect(replication.begun).toBe(0);
});

test("is refused with every problem before anything begins", async () => {
  const { desk: one } = await desk();
  replication.unfit.add("cache").add("audit");

  await expect(one.order(ORDER, soon())).rejects.toMatchObject({
    code: "REPLICATION_PREFLIGHT",
    message: expect.stringMatching(
      /replica-identity: table cache[\s\S]*replica-identity: table audit/,
    ),
  });
  expect(replication.begun).toBe(0);
});

test("ordered again while it runs, the same one is answered", async () => {
  const { desk: one } = await desk();
  const [first, second] = await Promise.all([
    one.order(ORDER, soon()),
    one.order({ ...ORDER, by: "bob" }, soon()),
  ]);
  expect(second.id).toBe(first.id);
  await clock.advance(5_000);
  expect(replication.begun).toBe(1);
});

test("a run that begins makes it let go at once; after a heal it goes on", async () => {
  const { desk: one } = await desk();
  await one.order(ORDER, soon());
  await clock.advance(1_100);

  const run = await startRun("heal");
  await clock.advance(300);
  expect(one.newest).toMatchObject({
    status: "running",
    trouble: `waits for the end of run ${run} (heal to ${A})`,
    progress: { tablesReady: 1 },
  });
  await clock.advance(60_000);
  expect(replication.begun).toBe(1);

  await endRun(run);
  await clock.advance(3_000);
  expect(one.newest).toMatchObject({ status: "done", trouble: null });
  expect(replication.begun).toBe(2);
});

test("after a move it is given up: the sites have other roles", async () => {
  const { desk: one } = await desk();
  await one.order(ORDER, soon());
  await clock.advance(500);
  const run = await startRun("dr");
  await clock.advance(300);
  await roles.claim(run, SIMULATED_ROLES.generation + 1, A);
  await roles.settle(SIMULATED_ROLES.generation + 1, { active: B, protected: false });
  await endRun(run);
  await clock.advance(3_000);

  expect(one.newest).toMatchObject({
    status: "superseded",
    trouble: `${B} is the active site now, not ${A}`,
  });
  expect(replication.begun).toBe(1);
});

test("what may pass is tried again and told meanwhile; what may not ends it", async () => {
  const { desk: one } = await desk();
  await one.order(ORDER, soon());
  await clock.advance(100);
  await clock.advance(5_000);
  replication.tables.add("later");
  replication.failure = new CloudPhoenixError("UNREACHABLE", "site b does not answer", {
    retryable: true,
    hint: "Start it.",
  });
  await one.order(ORDER, soon());
  await clock.advance(3_000);
  expect(one.newest).toMatchObject({
    status: "running",
    trouble: "site b does not answer",
    hint: "Start it.",
  });

  replication.failure = new CloudPhoenixError("REPLICATION_BROKEN", "the copy keeps failing", {
    retryable: false,
    hint: "Read the log.",
  });
  await clock.advance(3_000);
  expect(one.newest).toMatchObject({ status: "failed", trouble: "the copy keeps failing" });
  replication.failure = null;
  await one.order(ORDER, soon());
  await clock.advance(3_000);
  expect(one.newest).toMatchObject({ status: "done" });
});

test("without progress for ten minutes a person has to look", async () => {
  const { desk: one } = await desk();
  replication.failure = new CloudPhoenixError("UNREACHABLE", "no answer", { retryable: true });
  await one.order(ORDER, soon());
  await clock.advance(590_000);
  expect(one.newest?.status).toBe("running");
  await clock.advance(20_000);
  expect(one.newest).toMatchObject({ status: "failed", trouble: "no answer" });
});

test("a controller that goes away leaves it to the next leader, which finishes it", async () => {
  const first = await desk();
  const { id } = await first.desk.order(ORDER, soon());
  await clock.advance(1_100);
  await first.end();
  await expect(first.desk.order(ORDER, soon())).rejects.toMatchObject({ code: "NOT_LEADER" });

  const { desk: next } = await desk();
  await clock.advance(3_000);

  expect(next.newest).toMatchObject({ id, status: "done", result: { tables: 2 } });
  expect(replication.begun).toBe(2);
});

test("the end is kept although the state database was away, and nobody waits for that", async () => {
  const { desk: one } = await desk();
  await one.order(ORDER, soon());
  const put = facts.put.bind(facts);
  facts.put = () =>
    Promise.reject(new CloudPhoenixError("STATE_UNAVAILABLE", "away", { retryable: true }));
  await clock.advance(3_000);
  expect(one.newest?.status).toBe("done");
  facts.put = put;
  await clock.advance(3_000);
  const { desk: next } = await desk();
  const kept: SetupRecord | null = next.newest;
  expect(kept?.status).toBe("done");
});
