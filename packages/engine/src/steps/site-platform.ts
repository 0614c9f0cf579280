/** Steps on the platform of a site: workloads, database server, and the way in. */
import {
  type PlanKind,
  type SiteId,
  type StepAction,
  hasCode,
  messageOf,
} from "@cloudphoenix/core";
import type { WorkloadState } from "../ports/site-control.ts";
import { factsAbout } from "../replication/facts-about.ts";
import { type Poll, pollUntil } from "../waiting/poll-until.ts";
import type { StepContext, StepHandler } from "./step-handler.ts";
import { type StepPorts, patienceMs } from "./step-ports.ts";

type ActionOf<Kind extends StepAction["kind"]> = Extract<StepAction, { readonly kind: Kind }>;

/** Often enough that waiting adds little to the recovery time, seldom enough to be no load. */
const POLL_MS = 200;

/** Replicas that are not ready by then are replaced: at a standby nobody has healed them. */
const REPLACE_AFTER_MS = 2_000;
/** How long an outage goes on for the sake of the last replicas. */
const WHOLE_WAIT_MS = 6_000;

export function scaleWorkload(ports: StepPorts): StepHandler<ActionOf<"scale-workload">> {
  return {
    async inspect({ site, workload, replicas }, { signal }) {
      const state = await ports.workloads.inspect(site, workload, signal);
      return {
        current: wordsOf(workload, site, state),
        intended: `${replicas} of ${replicas} ready`,
        done: state.desired === replicas && state.ready >= replicas,
      };
    },
    async run({ site, workload, replicas }, context) {
      const change = { replicas, generation: context.plan.generation };
      await ports.workloads.scale(site, workload, change, context.signal);
      return untilEnough(ports, { site, workload, replicas }, context);
    },
    async verify({ site, workload, replicas }, { plan, signal }) {
      const state = await ports.workloads.inspect(site, workload, signal);
      const ok = state.ready >= enoughOf(replicas, plan.kind);
      return { ok, detail: wordsOf(workload, site, state) };
    },
  };
}

export function restartWorkload(ports: StepPorts): StepHandler<ActionOf<"restart-workload">> {
  return {
    async inspect({ site, workload }, { signal }) {
      const state = await ports.workloads.inspect(site, workload, signal);
      return {
        current: wordsOf(workload, site, state),
        intended: "every replica is ready",
        done: isWell(state),
      };
    },
    async run({ site, workload }, context) {
      const { plan, signal } = context;
      await ports.workloads.restart(site, workload, { generation: plan.generation }, signal);
      const state = await pollUntil({
        ...pollOf(ports, context),
        ask: (asked) => ports.workloads.inspect(site, workload, asked),
        missing: (seen) => (seen.ready >= seen.desired ? null : wordsOf(workload, site, seen)),
      });
      return { desired: state.desired, ready: state.ready };
    },
    async verify({ site, workload }, { signal }) {
      const state = await ports.workloads.inspect(site, workload, signal);
      return { ok: isWell(state), detail: wordsOf(workload, site, state) };
    },
  };
}

/** Well means that the platform runs the server *and* the server answers: it may hang. */
export function restartDatabase(ports: StepPorts): StepHandler<ActionOf<"restart-database">> {
  const look = async (
    site: SiteId,
    signal: AbortSignal,
  ): Promise<{ readonly well: boolean; readonly words: string }> => {
    const server = await ports.databaseHosts.inspect(site, signal);
    if (server === "stopped") return { well: false, words: `the database of ${site} is stopped` };
    try {
      await ports.databases.inspect(site, signal);
      return { well: true, words: `the database of ${site} runs and answers` };
    } catch (error) {
      if (!hasCode(error, "UNREACHABLE") && !hasCode(error, "TIMED_OUT")) throw error;
      return { well: false, words: `the database of ${site} runs but: ${messageOf(error)}` };
    }
  };
  return {
    async inspect({ site }, { signal }) {
      const { well, words } = await look(site, signal);
      return { current: words, intended: "it runs and answers", done: well };
    },
    async run({ site }, context) {
      const { plan, signal } = context;
      await ports.databaseHosts.restart(site, { generation: plan.generation }, signal);
      const { words } = await pollUntil({
        ...pollOf(ports, context),
        ask: (asked) => look(site, asked),
        missing: (seen) => (seen.well ? null : seen.words),
      });
      return { found: words };
    },
    async verify({ site }, { signal }) {
      const { well, words } = await look(site, signal);
      return { ok: well, detail: words };
    },
  };
}

/** Degraded is good enough: a slow site serves more users than a dead one. */
export function verifySite(ports: StepPorts): StepHandler<ActionOf<"verify-site">> {
  const look = async (
    action: ActionOf<"verify-site">,
    signal: AbortSignal,
  ): Promise<{
    readonly status: string;
    readonly detail: string;
    readonly missing: string | null;
  }> => {
    const { site, expect } = action;
    const { status, detail } = await ports.entry.check(site, expect, signal);
    const asks = serves(status) ? null : `${site} is ${status}: ${detail}`;
    return { status, detail, missing: asks ?? notFollowing(ports, action) };
  };
  return {
    // The check itself is the step.
    skipPrecheck: true,
    async inspect(action, { signal }) {
      const { status, detail, missing } = await look(action, signal);
      return {
        current: missing ?? `${action.site} is ${status}: ${detail}`,
        intended: standingOf(action),
        done: missing === null,
      };
    },
    async run(action, context) {
      const { status, detail } = await pollUntil({
        ...pollOf(ports, context),
        ask: (asked) => look(action, asked),
        missing: ({ missing }) => missing,
      });
      return { status, detail };
    },
    verify: async (action) => ({ ok: true, detail: standingOf(action) }),
  };
}

function standingOf({ site, expect, follows }: ActionOf<"verify-site">): string {
  const up = `${site} is up and ${expect}`;
  return follows === undefined ? up : `${up}, and follows ${follows}`;
}

/** Why the site cannot be taken for an up-to-date standby of whom it must follow; null if it can. */
function notFollowing(
  { replication }: StepPorts,
  { site, follows }: ActionOf<"verify-site">,
): string | null {
  if (follows === undefined) return null;
  const { state, detail } = factsAbout(replication, { active: follows, standby: site });
  return state === "streaming"
    ? null
    : `replication from ${follows} to ${site} is ${state}: ${detail}`;
}

function isWell(state: WorkloadState): boolean {
  return state.ready >= state.desired && state.troubles.length === 0;
}

/**
 * Waits for every replica and replaces those that do not come. While users wait for an unplanned
 * move, the last ones are not waited for long.
 */
async function untilEnough(
  ports: StepPorts,
  wanted: { readonly site: SiteId; readonly workload: string; readonly replicas: number },
  context: StepContext,
): Promise<{ readonly desired: number; readonly ready: number }> {
  const { site, workload, replicas } = wanted;
  const { generation, kind } = context.plan;
  const sinceMs = ports.clock.now();
  let replaced = false;
  const state = await pollUntil({
    ...pollOf(ports, context),
    ask: async (asked) => {
      const seen = await ports.workloads.inspect(site, workload, asked);
      const waitedMs = ports.clock.now() - sinceMs;
      if (seen.ready < replicas && !replaced && waitedMs >= REPLACE_AFTER_MS) {
        replaced = true;
        await ports.workloads.restart(site, workload, { generation }, asked);
      }
      const needed = waitedMs < WHOLE_WAIT_MS ? replicas : enoughOf(replicas, kind);
      return { ...seen, needed };
    },
    missing: (seen) => (seen.ready >= seen.needed ? null : wordsOf(workload, site, seen)),
  });
  return { desired: state.desired, ready: state.ready };
}

/** A planned move waits for all. Half of them serve more users than an outage does. */
function enoughOf(replicas: number, kind: PlanKind): number {
  return kind === "dr" || kind === "region" ? Math.ceil(replicas / 2) : replicas;
}

function pollOf(
  { clock }: StepPorts,
  { step, signal }: StepContext,
): Pick<Poll<unknown>, "clock" | "intervalMs" | "limitMs" | "signal"> {
  return { clock, intervalMs: POLL_MS, limitMs: patienceMs(step.timeoutMs), signal };
}

function serves(status: string): boolean {
  return status === "healthy" || status === "degraded";
}

function wordsOf(workload: string, site: SiteId, state: WorkloadState): string {
  const troubles = state.troubles.length === 0 ? "" : ` (${state.troubles.join("; ")})`;
  return `${state.ready} of ${state.desired} replicas of ${workload} ready at ${site}${troubles}`;
}
