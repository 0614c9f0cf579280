/** A site that was left in a failover and lives again, with a tail that only it has. */
import type { FenceProof, Plan } from "@cloudphoenix/core";
import {
  type DatabaseControl,
  type DatabaseState,
  type MemoryAuditLog,
  type Notice,
  type Quarantine,
  QuarantineDesk,
  ReturnedPrimaries,
  type Salvage,
} from "@cloudphoenix/engine";
import { simulatedPorts } from "@cloudphoenix/testkit";
import { expect } from "vitest";
import { A, Simulation } from "./simulation.ts";

export const DIVERGENCE: Awaited<ReturnType<Salvage["inspect"]>> = {
  transactions: 3,
  rowsByTable: { "public.orders": 3 },
  truncatesTables: [],
  firstAtMs: 1_000,
  lastAtMs: 1_040,
  rpoMs: 40,
  repairable: true,
  obstacles: [],
  fullCopyTables: [],
};

export interface ReturnedWorld {
  readonly simulation: Simulation;
  /** How often A was asked to fence itself, and to print its log. */
  readonly asked: { readonly fences: number; readonly logs: number };
  readonly audit: MemoryAuditLog;
  readonly notices: Notice[];
  readonly changes: (Quarantine | null)[];
  /** A watch as a new process has it. */
  watch(): ReturnedPrimaries;
  look(returned: ReturnedPrimaries): Promise<void>;
  /** Lets time pass until `work` has ended. */
  settle<T>(work: Promise<T>): Promise<T>;
  desk(
    returned: ReturnedPrimaries,
    approversForRisk?: number,
    reapply?: Salvage["reapply"],
  ): QuarantineDesk;
  /** The role A has in its database. */
  state(): Promise<DatabaseState>;
}

type Fenceable = Pick<DatabaseControl, "inspect" | "fence">;

/** What the fence and the log of the site answer, one after the other; then what is sound. */
interface Answers {
  /** How many notices get lost first. */
  readonly lostNotices?: number;
  readonly fences?: FenceProof["degree"][];
  readonly transactions?: number[];
}

/** After a failover from A to B with a tail at A, which lives again. */
export async function afterFailover(answers: Answers = {}): Promise<ReturnedWorld> {
  const simulation = new Simulation();
  await failOver(simulation);
  const ports = simulatedPorts(simulation.world, simulation.stores);
  const notices: Notice[] = [];
  const changes: (Quarantine | null)[] = [];
  const asked = { fences: 0, logs: 0 };
  let lost = answers.lostNotices ?? 0;
  const { signal } = new AbortController();
  const settle = <T>(work: Promise<T>): Promise<T> => settleIn(simulation, work);
  return {
    simulation,
    asked,
    audit: simulation.stores.audit,
    notices,
    changes,
    watch: () =>
      new ReturnedPrimaries(
        {
          ...ports,
          ...simulation.stores,
          ...answering(ports.databases, answers, asked),
          notifier: {
            notify: async (notice) => {
              lost -= 1;
              if (lost >= 0) throw new Error("the pager does not answer");
              notices.push(notice);
            },
          },
        },
        {
          changed: (_site, now) => changes.push(now),
          trouble: (message) => expect(message).toBe("the pager does not answer"),
        },
      ),
    settle,
    look: (returned) => settle(returned.look(signal)),
    desk: (returned, approversForRisk = 1, reapply) =>
      new QuarantineDesk({
        ...ports,
        salvage: { ...ports.salvage, ...(reapply !== undefined && { reapply }) },
        policy: { approversForRisk },
        returned,
        divergentObjects: null,
      }),
    state: () => settle(ports.databases.inspect(A, signal)),
  };
}

async function failOver(simulation: Simulation): Promise<void> {
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });
  await simulation.run(simulation.plan("dr"));
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "alive";
  });
}

/** A fence and a log that answer as they are told, and count in `asked` how often they were asked. */
function answering(
  real: Fenceable,
  { fences = [], transactions = [] }: Answers,
  asked: { fences: number; logs: number },
): { readonly databases: Fenceable; readonly salvage: Pick<Salvage, "inspect"> } {
  const databases: Fenceable = {
    inspect: (site, limited) => real.inspect(site, limited),
    async fence(site, generation, limited) {
      asked.fences += 1;
      const proof = await real.fence(site, generation, limited);
      const degree = fences.shift() ?? proof.degree;
      return { ...proof, degree, detail: degree === "confirmed" ? proof.detail : "a lock is held" };
    },
  };
  const salvage = {
    async inspect() {
      asked.logs += 1;
      return { ...DIVERGENCE, transactions: transactions.shift() ?? DIVERGENCE.transactions };
    },
  };
  return { databases, salvage };
}

async function settleIn<T>(simulation: Simulation, work: Promise<T>): Promise<T> {
  let done = false;
  void work.finally(() => (done = true)).catch(() => undefined);
  await simulation.clock.runUntil(async () => done, 60_000);
  return work;
}

/** A takes writes again, in spite of its fence. */
export function open({ simulation }: ReturnedWorld): void {
  simulation.world.strike((state) => {
    Object.assign(state.sites[A]!.database, { role: "active", writesOpen: true });
  });
}

/** A run that left A for B, or as `changes` say, and has not ended. */
export async function begin({ simulation }: ReturnedWorld, changes: Partial<Plan>): Promise<void> {
  await simulation.stores.runs.create({
    plan: simulation.plan("switchover", { id: "other", ...changes }),
    startedBy: "operator:ann",
    atMs: simulation.clock.now(),
  });
}
