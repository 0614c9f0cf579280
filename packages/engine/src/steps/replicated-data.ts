/** Steps on the replicated database: measure, drain, promote, open. */
import {
  CloudPhoenixError,
  type FenceProof,
  type LossBound,
  type Plan,
  type SiteId,
  type StepAction,
  hasCode,
} from "@cloudphoenix/core";
import { askApproval } from "./approval-request.ts";
import { boundAsDecided } from "./decided-alive.ts";
import { hasConfirmedFence, writersStoppedAtMs } from "./fence-site.ts";
import { asRead } from "./loss-behind-fence.ts";
import { partingKey } from "../quarantine/parting.ts";
import type { StepContext, StepHandler } from "./step-handler.ts";
import type { StepPorts } from "./step-ports.ts";

type ActionOf<Kind extends StepAction["kind"]> = Extract<StepAction, { readonly kind: Kind }>;

/** Asks people if the loss may exceed the objective, and also if nobody can tell. */
export function measureLoss(ports: StepPorts): StepHandler<ActionOf<"measure-loss">> {
  const { rpoMs } = ports.application.objectives;
  return {
    skipPrecheck: true,
    async inspect({ from, to }, { plan, signal }) {
      const bound = await lossBound(ports, { from, to }, { plan, signal });
      return {
        current: wordsOf(bound),
        intended: `the loss is bounded by ${rpoMs} ms or accepted by people`,
        done: false,
      };
    },
    async run({ from, to }, { plan, signal }) {
      const told = await lossBound(ports, { from, to }, { plan, signal });
      const rows = isWithin(told.boundMs, rpoMs)
        ? told
        : await asRead(ports, { plan, from, bound: told }, signal);
      const objectsBoundMs = objectsBound(ports, rows, to);
      const objects = ports.objects?.watch.facts(to) ?? null;
      const bound = {
        ...rows,
        ...(objects !== null && { objectsBoundMs, objectsNeedPerson: objects.needPerson }),
      };
      const beyond = [
        ...beyondObjective(writesText(rows), rows.boundMs, rpoMs),
        ...(ports.objects === null
          ? []
          : beyondObjective("objects", objectsBoundMs, ports.application.objects?.rpoMs ?? 0)),
      ];
      if (beyond.length === 0) return bound;
      if (wasAccepted(ports, plan, bound)) return { ...bound, accepted: true };
      const question = `Leaving ${from} may lose ${beyond.join("; and ")}. Go on?`;
      return askApproval({ approvers: ports.policy.approversForRisk, question }, bound);
    },
    verify: async () => ({ ok: true, detail: "the loss is within the objective" }),
  };
}

/**
 * What may be lost is what was written after the standby's newest heartbeat and before the writers
 * were proven to have stopped, whoever measures and whenever. Without a proof the database's own
 * bound counts: it ends with the last sign of life. Whoever saw none goes by what the decision knew,
 * if nobody has reached the site since.
 */
async function lossBound(
  ports: StepPorts,
  { from, to }: { readonly from: SiteId; readonly to: SiteId },
  { plan, signal }: Pick<StepContext, "plan" | "signal">,
): Promise<LossBound> {
  const told = await ports.databases.lossBound(from, to, signal);
  const bound = told.lastAliveAtMs === null ? await boundAsDecided(ports, plan, told) : told;
  const { boundMs, completeUntilMs, lastAliveAtMs } = bound;
  if (completeUntilMs === null) return bound;
  const stoppedAtMs = await writersStoppedAtMs(ports, plan, completeUntilMs);
  if (stoppedAtMs === null) return bound;
  const untilStopMs = Math.max(0, stoppedAtMs - completeUntilMs);
  return {
    ...bound,
    lastAliveAtMs: lastAliveAtMs === null ? null : Math.min(lastAliveAtMs, stoppedAtMs),
    boundMs: boundMs === null ? untilStopMs : Math.min(boundMs, untilStopMs),
  };
}

/** Nothing if the bound is known and within the objective. */
function beyondObjective(
  what: string,
  boundMs: number | null,
  objectiveMs: number,
): readonly string[] {
  if (isWithin(boundMs, objectiveMs)) return [];
  const much = boundMs === null ? `an unknown amount of ${what}` : `${boundMs} ms of ${what}`;
  return [`${much}, the objective is ${objectiveMs} ms`];
}

function isWithin(boundMs: number | null, objectiveMs: number): boolean {
  return boundMs !== null && boundMs <= objectiveMs;
}

/** With their number, where they could be counted. */
function writesText({ transactions }: LossBound): string {
  return transactions === undefined ? "writes" : `writes (${transactions} transactions)`;
}

/** How much of the objects may be missing, in time; null if unknown. None was stored later than now. */
function objectsBound(ports: StepPorts, rows: LossBound, to: string): number | null {
  const completeUntilMs = ports.objects?.watch.facts(to).completeUntilMs ?? null;
  if (completeUntilMs === null) return null;
  return Math.max(0, (rows.lastAliveAtMs ?? ports.clock.now()) - completeUntilMs);
}

/**
 * Whether as many people as it takes have approved, before the first step, to lose as much as was
 * measured now. They were told a bound; more than that, or what cannot be measured any more, is
 * another question.
 */
function wasAccepted(
  { policy }: StepPorts,
  plan: Plan,
  measured: { readonly boundMs: number | null; readonly objectsBoundMs?: number | null },
): boolean {
  return plan.steps.some(({ action }) => {
    if (action.kind !== "approval" || action.accepts === undefined) return false;
    if (action.approvers < policy.approversForRisk) return false;
    const { writesMs, objectsMs = 0 } = action.accepts;
    // Not there: the application has no objects. Null: nobody knows.
    const { boundMs, objectsBoundMs = 0 } = measured;
    return covers(writesMs, boundMs) && covers(objectsMs, objectsBoundMs);
  });
}

function covers(acceptedMs: number | null, boundMs: number | null): boolean {
  return acceptedMs === null || (boundMs !== null && boundMs <= acceptedMs);
}

/** Waits until the standby has everything. Only a planned move can do this. */
export function drainReplication(ports: StepPorts): StepHandler<ActionOf<"drain-replication">> {
  return {
    skipPrecheck: true,
    async inspect({ from, to }, { signal }) {
      const bound = await ports.databases.lossBound(from, to, signal);
      return { current: wordsOf(bound), intended: `${to} has applied all of ${from}`, done: false };
    },
    run: async ({ from, to }, { signal }) => ({
      ...(await ports.databases.drain(from, to, signal)),
    }),
    verify: async ({ to }) => ({ ok: true, detail: `${to} has everything` }),
  };
}

export function promoteDatabase(ports: StepPorts): StepHandler<ActionOf<"promote-database">> {
  return {
    // `promote` is idempotent and returns what the report needs, also when it had been done.
    skipPrecheck: true,
    async inspect({ site }, { plan, signal }) {
      const state = await ports.databases.inspect(site, signal);
      return {
        current: `the database of ${site} is ${state.role}, generation ${state.generation}`,
        intended: `it is active, generation ${plan.generation}, writes still refused`,
        done: state.role === "active" && state.generation === plan.generation,
      };
    },
    async run({ site, from }, { plan, signal }) {
      const promotion = await ports.databases.promote(site, from, plan.generation, signal);
      // Weeks may pass before the old primary returns, and nothing else knows where they parted.
      const { appliedLsn, reverseSlot } = promotion;
      await ports.facts.put(partingKey(site, from), { appliedLsn, reverseSlot });
      return { ...promotion, sequences: { ...promotion.sequences } };
    },
    async verify({ site }, { plan, signal }) {
      const { role, generation } = await ports.databases.inspect(site, signal);
      return {
        ok: role === "active" && generation === plan.generation,
        detail: `the database of ${site} is ${role}, generation ${generation}`,
      };
    },
  };
}

/** The commit point of a move. Finished, it is never undone; unfinished, it is revoked. */
export function openWrites(ports: StepPorts): StepHandler<ActionOf<"open-writes">> {
  return {
    async inspect({ site }, { plan, signal }) {
      const state = await ports.databases.inspect(site, signal);
      return {
        current: `writes at ${site} are ${state.writesOpen ? "open" : "refused"}, generation ${state.generation}`,
        intended: `they are open, generation ${plan.generation}`,
        done: state.writesOpen && state.generation === plan.generation,
      };
    },
    async run({ site }, { plan, signal }) {
      const { generation } = plan;
      const open = (limited: AbortSignal): Promise<void> =>
        ports.databases.openWrites(site, generation, limited);
      if (ports.writerLease === null) await open(signal);
      else {
        const stopped = await hasConfirmedFence(ports, plan);
        await ports.writerLease.open(site, { generation, from: plan.from, stopped, open }, signal);
      }
      return { site };
    },
    async verify({ site }, { signal }) {
      const { writesOpen } = await ports.databases.inspect(site, signal);
      return { ok: writesOpen, detail: `writes at ${site} are ${writesOpen ? "open" : "refused"}` };
    },
    async revoke({ site }, { plan, signal }) {
      const { generation } = plan;
      const close = ports.databases.closeWrites(site, generation, signal);
      if (ports.writerLease === null) return close;
      const { writerLease } = ports;
      await eitherOf([
        close.then(() => writerLease.seal(site, generation, signal)),
        writerLease.fence(site, generation, signal).then(refuseUnproven),
      ]);
    },
  };
}

/** A database that does not answer is shut, too, once its lease has run out. */
async function eitherOf(ways: readonly Promise<unknown>[]): Promise<void> {
  try {
    await Promise.any(ways);
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    const { errors } = error;
    throw errors.find((one) => hasCode(one, "STALE_GENERATION")) ?? errors[0];
  }
}

function refuseUnproven({ degree, detail }: FenceProof): void {
  if (degree !== "unproven") return;
  throw new CloudPhoenixError("FENCE_UNPROVEN", detail, { retryable: true });
}

function wordsOf(bound: LossBound): string {
  if (bound.boundMs === null) return "how much is missing is unknown";
  return `at most ${bound.boundMs} ms of writes are missing`;
}
