/**
 * Stops the writers of a site by every means at once.
 *
 * 1. No means waits for another, and each has a short deadline: the site may be dead.
 * 2. The strongest proof counts. Weaker than the policy's minimum never goes on without people.
 * 3. Once a proof is strong enough, the rest get only a short grace: waiting for a dead site to
 *    answer would lengthen the outage and prove nothing more.
 * 4. A planned move stops writers, not readers, and no longer than it takes to confirm it: what also
 *    stops readers is used only if nothing else can confirm.
 */
import {
  type FenceDegree,
  type FenceProof,
  type Json,
  type Plan,
  type PlanStep,
  type StepAction,
  type StepRecord,
  databaseConfirmed,
  fenceAtLeast,
  fenceDegreeIn,
  fenceProofsIn,
  leaseEndedIn,
  leaseRenewalsIn,
  hasCode,
  messageOf,
  strongestFence,
} from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { Fencer } from "../ports/site-control.ts";
import { withDeadline } from "../waiting/with-deadline.ts";
import { askApproval } from "./approval-request.ts";
import type { StepContext, StepHandler } from "./step-handler.ts";
import { type StepPorts, patienceMs } from "./step-ports.ts";

type FenceSite = Extract<StepAction, { readonly kind: "fence-site" }>;

/** A means that says nothing else has answered by then, or proves nothing. */
const MEANS_LIMIT_MS = 2_000;
const RETRY_MS = 200;
const GRACE_MS = 300;

export function fenceSite(ports: StepPorts): StepHandler<FenceSite> {
  return {
    // Nothing can be known of a dead site by looking, and fencing twice is harmless.
    skipPrecheck: true,
    async inspect({ site }, context) {
      const proofs = await Promise.all(
        fencersFor(ports, site, context).map((fencer) =>
          proofOf(ports, fencer, { context, limitMs: MEANS_LIMIT_MS }, (signal) =>
            fencer.forecast(site, signal),
          ),
        ),
      );
      return {
        current: `obtainable now: ${wordsOf(proofs)}`,
        intended: `no writer at ${site}, proven at least ${ports.policy.fenceMin}`,
        done: false,
      };
    },
    async run({ site }, context) {
      const proofs = await stopWriters(ports, site, context);
      const degree = strongestFence(proofs);
      const found = { degree, proofs: proofs.map((proof) => ({ ...proof })) } satisfies Json;
      if (fenceAtLeast(degree, ports.policy.fenceMin)) return found;
      const question =
        `The fence of ${site} is only ${degree} (${wordsOf(proofs)}). ` +
        `If ${site} can still write, its new writes will be lost. Go on?`;
      return askApproval({ approvers: ports.policy.approversForRisk, question }, found);
    },
    // Each means has read its own effect back; looking again would ask the dead site once more.
    verify: async ({ site }) => ({ ok: true, detail: `writers at ${site} are stopped` }),
  };
}

export function unfenceSite(
  ports: StepPorts,
): StepHandler<Extract<StepAction, { readonly kind: "unfence-site" }>> {
  return {
    async inspect({ site }, { signal }) {
      const { role } = await ports.databases.inspect(site, signal);
      // Whether every other means has let go is not visible here, so this is never "done".
      return { current: `${site} is ${role}`, intended: `${site} is not fenced`, done: false };
    },
    skipPrecheck: true,
    async run({ site }, { plan, signal }) {
      await Promise.all(
        ports.fencers.map((fencer) => fencer.unfence(site, plan.generation, signal)),
      );
      return { lifted: ports.fencers.map((fencer) => fencer.means) };
    },
    async verify({ site }, { signal }) {
      const { role } = await ports.databases.inspect(site, signal);
      return { ok: role !== "fenced", detail: `the database of ${site} is ${role}` };
    },
  };
}

/** Whether the database of the site itself confirmed the fence of this run, as its record says. */
export async function hasConfirmedFence(ports: RunRecords, plan: Plan): Promise<boolean> {
  const fence = await fenceOf(ports, plan);
  return databaseConfirmed(fenceProofsIn(fence?.result ?? null));
}

/**
 * From when on nobody wrote at the site this run leaves, as its fence has proven: since that ended, or
 * since the lease had ended that it sealed. Null without a proof. Whoever resumes the run has not seen
 * the writers stop, but reads it. A standby that is `completeUntilMs` speaks against a lease that had
 * ended before: then it is not believed.
 */
export async function writersStoppedAtMs(
  ports: RunRecords,
  plan: Plan,
  completeUntilMs: number,
): Promise<number | null> {
  const { result = null, endedAtMs = null } = (await fenceOf(ports, plan)) ?? {};
  const degree = fenceDegreeIn(result);
  if (degree === null || !fenceAtLeast(degree, "lease-expired") || endedAtMs === null) return null;
  const leaseEndedAtMs = leaseEndedIn(result) ?? endedAtMs;
  return leaseEndedAtMs < completeUntilMs ? endedAtMs : Math.min(endedAtMs, leaseEndedAtMs);
}

/**
 * When this run had fenced the site it leaves, and after how many renewals the lease was sealed, if the
 * lease alone proves that fence: then the database could not be reached to confirm. Null otherwise.
 */
export async function fenceByLease(
  ports: RunRecords,
  plan: Plan,
): Promise<{ readonly atMs: number; readonly renewals: number } | null> {
  const { result = null, endedAtMs = null } = (await fenceOf(ports, plan)) ?? {};
  const renewals = leaseRenewalsIn(result);
  if (fenceDegreeIn(result) !== "lease-expired" || endedAtMs === null || renewals === null) {
    return null;
  }
  return { atMs: endedAtMs, renewals };
}

type RunRecords = Pick<StepPorts, "runs">;

async function fenceOf({ runs }: RunRecords, { id, steps }: Plan): Promise<StepRecord | null> {
  const run = await runs.get(id);
  const fence = steps.find(({ action }) => action.kind === "fence-site");
  return run?.steps.find((step) => step.id === fence?.id) ?? null;
}

async function stopWriters(
  ports: StepPorts,
  site: string,
  context: StepContext,
): Promise<readonly FenceProof[]> {
  const { plan, signal } = context;
  const means = fencersFor(ports, site, context);
  if (!plan.steps.some((step) => drains(step, site))) {
    return fenceByAllMeans(ports, means, { site, context, graceMs: GRACE_MS });
  }
  const gentle = means.filter((fencer) => fencer.stopsReads !== true);
  const proofs = await fenceByAllMeans(ports, gentle, { site, context, graceMs: 0 });
  if (databaseConfirmed(proofs)) {
    // The writer itself said that it stopped: its lease need not run out, only never be renewed.
    await ports.writerLease?.seal(site, plan.generation, signal);
    return proofs;
  }
  const rest = means.filter((fencer) => fencer.stopsReads === true);
  return [...proofs, ...(await fenceByAllMeans(ports, rest, { site, context, graceMs: 0 }))];
}

async function fenceByAllMeans(
  ports: StepPorts,
  means: readonly Fencer[],
  { site, context, graceMs }: { site: string; context: StepContext; graceMs: number },
): Promise<readonly FenceProof[]> {
  const { clock, policy } = ports;
  // `reached` ends further tries, `hurry` the ones in flight, `over` the grace between the two.
  const [reached, hurry, over] = [
    new AbortController(),
    new AbortController(),
    new AbortController(),
  ];
  const signal = AbortSignal.any([context.signal, hurry.signal]);
  const found = (proof: FenceProof): void => {
    if (reached.signal.aborted || !fenceAtLeast(proof.degree, enough(policy.fenceMin))) return;
    // In a planned move nothing less than the writer's own word saves the wait for the others.
    if (graceMs === 0 && proof.degree !== "confirmed") return;
    reached.abort();
    void hurryAfterGrace(clock, graceMs, { hurry, over: over.signal });
  };
  try {
    return await Promise.all(
      means.map(async (fencer) => {
        const fence = (limited: AbortSignal): Promise<FenceProof> =>
          fencer.fence(site, context.plan.generation, limited);
        const stops = { context: { ...context, signal }, reached: reached.signal };
        const proof = await fenceByOne(ports, fencer, fence, stops);
        found(proof);
        return proof;
      }),
    );
  } finally {
    over.abort();
  }
}

/** Tries one means until it proves something, its time is up, or another one has proven enough. */
async function fenceByOne(
  ports: StepPorts,
  fencer: Fencer,
  fence: (signal: AbortSignal) => Promise<FenceProof>,
  { context, reached }: { readonly context: StepContext; readonly reached: AbortSignal },
): Promise<FenceProof> {
  const patience = Math.min(
    fencer.patienceMs ?? MEANS_LIMIT_MS,
    patienceMs(context.step.timeoutMs),
  );
  const endsAtMs = ports.clock.now() + patience;
  for (;;) {
    const limitMs = endsAtMs - ports.clock.now();
    const proof = await proofOf(ports, fencer, { context, limitMs }, fence);
    const late = ports.clock.now() + RETRY_MS >= endsAtMs;
    if (proof.degree !== "unproven" || late || reached.aborted) return proof;
    try {
      await ports.clock.sleep(RETRY_MS, AbortSignal.any([reached, context.signal]));
    } catch {
      return proof;
    }
  }
}

async function hurryAfterGrace(
  clock: Clock,
  graceMs: number,
  { hurry, over }: { readonly hurry: AbortController; readonly over: AbortSignal },
): Promise<void> {
  try {
    if (graceMs > 0) await clock.sleep(graceMs, over);
    hurry.abort();
  } catch {
    // Everybody answered within the grace.
  }
}

/** Even where the policy asks for nothing, `unproven` is no reason to hurry. */
function enough(fenceMin: FenceDegree): FenceDegree {
  return fenceMin === "unproven" ? "network" : fenceMin;
}

/** A proof in any case: a means that fails or is late has proven nothing. */
async function proofOf(
  ports: StepPorts,
  { means }: Fencer,
  { context, limitMs }: { readonly context: StepContext; readonly limitMs: number },
  ask: (signal: AbortSignal) => Promise<FenceProof>,
): Promise<FenceProof> {
  const { signal } = context;
  try {
    return await withDeadline(
      { clock: ports.clock, limitMs, signal, what: `fencing by ${means}` },
      ask,
    );
  } catch (error) {
    if (hasCode(error, "STALE_GENERATION")) throw error;
    return { means, degree: "unproven", detail: messageOf(error) };
  }
}

/**
 * The means that may be used now: while the plan must drain, or let the site follow, replication has
 * to stay up. In a rejoin the lease stays, too: it is the writer's, not the returned site's.
 */
function fencersFor(ports: StepPorts, site: string, { plan }: StepContext): readonly Fencer[] {
  const rejoins = plan.kind === "rejoin";
  if (!rejoins && !plan.steps.some((step) => drains(step, site))) return ports.fencers;
  return ports.fencers.filter(
    (fencer) => !cutsReplication(fencer) && !(rejoins && Object.is(fencer, ports.writerLease)),
  );
}

/** Whether nothing gets into a site that this means has fenced, replication included. */
export function cutsReplication(fencer: Fencer): boolean {
  return fencer.cutsReplication ?? fencer.means === "network";
}

function drains({ action }: PlanStep, site: string): boolean {
  return action.kind === "drain-replication" && action.from === site;
}

function wordsOf(proofs: readonly FenceProof[]): string {
  if (proofs.length === 0) return "no means of fencing is configured";
  return proofs.map((proof) => `${proof.means}: ${proof.degree}, ${proof.detail}`).join("; ");
}
