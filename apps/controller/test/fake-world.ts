/** A controller's surroundings without a world: real stores in memory, a real decision, no loop. */

import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type Application,
  CloudPhoenixError,
  DEFAULT_POLICY,
  type Decision,
  decide,
  defaultPoints,
  judgeRequest,
  type LossReport,
  lintPlan,
  planFor,
  type PlanKind,
  type Policy,
  type RunCommand,
  type RunRecord,
  type Signal,
  type Situation,
} from "@cloudphoenix/core";
import {
  MemoryAuditLog,
  MemoryFactStore,
  MemoryRoleStore,
  MemoryRunStore,
  type QuarantineDesk,
  SetupDesk,
} from "@cloudphoenix/engine";
import { pino } from "pino";
import type { Api, ApiDependencies } from "../src/api/api-dependencies.ts";
import { buildApi } from "../src/api/build-api.ts";
import type { ControlRoom, DryRun, RunOrder } from "../src/api/control-room.ts";
import { SimulatedReplicationSetup, VirtualClock } from "@cloudphoenix/testkit";
import { fakeQuarantine } from "./fake-quarantine.ts";
import { EventHub } from "../src/events/event-hub.ts";

export const TOKEN = "correct-horse-battery-staple-correct-horse";
export const NOW_MS = 1_800_000_000_000;

const APPLICATION: Application = {
  name: "shop",
  sites: [
    { id: "aws-us-east-1", cloud: "aws", region: "us-east-1" },
    { id: "azure-westeurope", cloud: "azure", region: "westeurope" },
  ],
  workloads: [{ name: "orders", replicas: 2 }],
  objectives: { rtoMs: 10_000, rpoMs: 5000 },
};

const POLICY: Policy = { ...DEFAULT_POLICY, modes: { heal: "auto", region: "auto", dr: "auto" } };

const SIGNALS: readonly Signal[] = APPLICATION.sites.map((site) => ({
  id: `${site.cloud}-health`,
  kind: "service-health",
  site: site.id,
  vantages: ["control"],
  intervalMs: 1000,
  timeoutMs: 500,
  freshnessMs: 3500,
  points: defaultPoints("service-health"),
}));

export const LOSS: LossReport = {
  transactions: 2,
  rowsByTable: { "public.orders": 2 },
  keysByTable: { "public.orders": ["7", "8"] },
  truncated: false,
  rpoMs: 40,
};

/** What a test changes about the world. */
export interface WorldChanges {
  /** The standby is readable, follows closely, and can be moved to. Default true. */
  readonly standbyReady?: boolean;
  readonly leads?: boolean;
  /** The standby is a returned old primary with writes of its own. Default false. */
  readonly quarantined?: boolean;
  /** How many of them a reapply cannot write. Default 0. */
  readonly conflicting?: number;
  /** Whether the application has objects, and whether the returned site's store answers. Default "some". */
  readonly objects?: "some" | "none" | "silent";
  /** Distinct people it takes to give data up. Default 1. */
  readonly approversForRisk?: number;
}

function situationOf({ standbyReady = true }: WorldChanges): Situation {
  return {
    nowMs: NOW_MS,
    application: APPLICATION,
    roles: { generation: 1, active: "aws-us-east-1", claimedBy: null, protected: true },
    policy: POLICY,
    signals: SIGNALS,
    vantages: [{ id: "control", site: null, cloud: null, failureDomain: "control" }],
    observations: SIGNALS.map((signal) => ({
      signal: signal.id,
      vantage: "control",
      atMs: NOW_MS - 500,
      status: "healthy",
      detail: "200",
      latencyMs: 12,
    })),
    sights: [{ vantage: "control", atMs: NOW_MS - 500, sees: true }],
    levels: {},
    standbys: [
      {
        site: "azure-westeurope",
        entry: standbyReady ? "healthy" : "unhealthy",
        entryDetail: standbyReady ? "stands by" : "connection refused",
        replication: {
          writtenAtMs: NOW_MS - 300,
          appliedAtMs: standbyReady ? NOW_MS - 400 : NOW_MS - 120_000,
          readAtMs: NOW_MS - 100,
          lagBytes: 4096n,
          state: standbyReady ? "streaming" : "broken",
          detail: standbyReady ? "streaming" : "the subscription is disabled",
        },
        objects: {
          toldAtMs: NOW_MS - 500,
          completeUntilMs: NOW_MS - 1_200,
          canaryMs: NOW_MS - 1_000,
          pending: 4,
          needPerson: 0,
          paused: null,
          deletesHeldBack: null,
        },
        schemaDifferences: standbyReady ? [] : ["table public.orders: column note is missing"],
        fenceObtainable: "confirmed",
        fenceDetail: "database: confirmed",
      },
    ],
    activity: {
      running: null,
      lastMoveEndedAtMs: null,
      healsEnded: [],
      maintenance: null,
    },
  };
}

class FakeRoom implements ControlRoom {
  readonly epoch = 7;
  readonly commands: {
    readonly runId: string;
    readonly command: RunCommand;
    readonly key: string;
  }[] = [];
  readonly maintained: unknown[] = [];
  readonly quarantine: QuarantineDesk;
  readonly situation: Situation;
  readonly decision: Decision;
  readonly replicationSetup: SetupDesk;
  orders = 0;
  /** Thrown by the next order, if set. */
  orderFailure: Error | null = null;
  /** Thrown after the next order has started its run, as by a controller that is killed then. */
  cutOff: Error | null = null;
  #ids = 0;
  readonly #runs: MemoryRunStore;

  constructor(
    situation: Situation,
    runs: MemoryRunStore,
    quarantine: Awaited<ReturnType<typeof fakeQuarantine>>,
    replicationSetup: SetupDesk,
  ) {
    this.replicationSetup = replicationSetup;
    // What is decided about the returned site shows in the next look.
    this.situation = Object.defineProperty({ ...situation }, "quarantined", {
      get: () => quarantine.returned.facts,
      enumerable: true,
    });
    this.quarantine = quarantine.desk;
    this.decision = decide(situation);
    this.#runs = runs;
  }

  readonly runner: ControlRoom["runner"] = {
    command: async (runId, command, key) => {
      this.commands.push({ runId, command, key });
    },
  };

  latest(): { decision: Decision; situation: Situation } {
    return { decision: this.decision, situation: this.situation };
  }

  decisions(limit: number): readonly Decision[] {
    return [this.decision, this.decision].slice(0, limit);
  }

  async dryRun(question: { kind: PlanKind; acceptLoss: boolean }): Promise<DryRun> {
    const { guards, target } = judgeRequest(this.situation, question);
    const plan = this.#plan(question.kind, target ?? "azure-westeurope", "dry run");
    return {
      plan,
      findings: lintPlan(plan, APPLICATION),
      guards,
      steps: plan.steps.map(({ id, title }) => ({
        id,
        title,
        current: "as it is",
        intended: title,
        alreadyDone: false,
      })),
    };
  }

  newRunId(kind: PlanKind): string {
    this.#ids += 1;
    return `${kind}-${this.#ids}`;
  }

  async order(order: RunOrder): ReturnType<ControlRoom["order"]> {
    if (this.orderFailure !== null) throw this.orderFailure;
    const { guards, target, blocked } = judgeRequest(this.situation, order);
    if (target === null || blocked.length > 0) return { kind: "blocked", guards, findings: [] };
    // As with a real store, others get a turn before the run is known.
    await nextTurn();
    this.orders += 1;
    const plan = {
      ...this.#plan(order.kind, target, order.reason),
      ...(order.id && { id: order.id }),
    };
    await this.#runs.create({ plan, startedBy: `operator:${order.by}`, atMs: NOW_MS });
    if (this.cutOff !== null) throw this.cutOff;
    const run = await this.#runs.get(plan.id);
    if (run === null) throw new Error("the run was not stored");
    return { kind: "started", run };
  }

  async maintain(order: unknown): Promise<void> {
    this.maintained.push(order);
  }

  async measureLoss(run: RunRecord): Promise<LossReport> {
    if (run.plan.kind === "dr") return LOSS;
    throw new CloudPhoenixError("CONFLICT", `run ${run.id} promoted no database`, {
      retryable: false,
    });
  }

  #plan(kind: RunOrder["kind"], target: string, reason: string): ReturnType<typeof planFor> {
    return planFor({
      id: `${kind}-${this.orders}`,
      kind,
      application: APPLICATION,
      roles: this.situation.roles,
      target,
      nowMs: NOW_MS,
      reason,
      approvers: 0,
    });
  }
}

export interface FakeWorld {
  readonly app: Api;
  readonly room: FakeRoom;
  readonly runs: MemoryRunStore;
  readonly facts: MemoryFactStore;
  readonly audit: MemoryAuditLog;
  readonly hub: EventHub;
  /** Its copy takes for ever: its clock stands still. */
  readonly replication: SimulatedReplicationSetup;
  /** The controller's clock. */
  readonly time: { nowMs: number };
  /** Everything logged so far. */
  readonly log: string[];
}

/** An API over a fake world; close `app` when done. */
export async function fakeWorld(changes: WorldChanges = {}): Promise<FakeWorld> {
  const situation = situationOf(changes);
  const runs = new MemoryRunStore();
  const audit = new MemoryAuditLog();
  const hub = new EventHub({ boot: "b1", ringSize: 5, clientsMax: 2 });
  const policy = { ...POLICY, approversForRisk: changes.approversForRisk ?? 1 };
  const time = { nowMs: NOW_MS };
  const clock = { now: () => time.nowMs, sleep: () => Promise.resolve() };
  const { quarantined = false, conflicting = 0, objects = "some" } = changes;
  const desk = await fakeQuarantine({
    application: APPLICATION,
    policy,
    clock,
    quarantined,
    conflicting,
    objects,
  });
  const facts = new MemoryFactStore();
  const roles = new MemoryRoleStore(situation.roles);
  const replication = new SimulatedReplicationSetup(new VirtualClock());
  const setup = new SetupDesk({
    application: APPLICATION,
    clock: new VirtualClock(),
    random: { next: () => 0.5 },
    roles,
    runs,
    facts,
    audit,
    replication,
    undecided: () =>
      desk.returned.facts.flatMap(({ site, mayRejoin }) => (mayRejoin ? [] : [site])),
    changed: () => undefined,
  });
  const lead = new AbortController();
  void setup.run(lead.signal);
  const room = new FakeRoom(situation, runs, desk, setup);
  const log: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void log.push(line) });
  const deps: ApiDependencies = {
    application: APPLICATION,
    policy,
    version: "0.1.0",
    clock,
    startedAtMs: NOW_MS - 60_000,
    token: TOKEN,
    roles,
    runs,
    facts,
    audit,
    hub,
    leading: () => (changes.leads === false ? null : room),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "up 1\n" }),
  };
  const app = await buildApi(deps, { logger, checkAnswers: true });
  app.addHook("onClose", async () => lead.abort());
  return { app, room, runs, facts, audit, hub, replication, time, log };
}

/** Headers of somebody who knows the token. */
export function authorized(more: Record<string, string> = {}): Record<string, string> {
  return { authorization: `Bearer ${TOKEN}`, ...more };
}
