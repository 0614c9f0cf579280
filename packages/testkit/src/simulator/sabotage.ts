/**
 * Every sabotage a mutant commits, at the seams where the simulator puts the real code together:
 * a port that lies, a handler or a plan that was tampered with, a policy that says less. The
 * product's code has no switch for any of it. Those that sit inside the simulated servers ask
 * `world.sabotages` where they act; those that only stall are in `stalls.ts`.
 */
import {
  CloudPhoenixError,
  type FenceProof,
  type Json,
  type Plan,
  type Policy,
  type RunCommand,
  type Status,
  type StepKind,
} from "@cloudphoenix/core";
import {
  type Clock,
  type DurableContext,
  type Fencer,
  type InterpreterDeps,
  type LeaseTerms,
  type LeaseWitness,
  type ObservationListener,
  type ObservationSource,
  type RoleStore,
  type RunProgram,
  type SiteLease,
  type StepHandlers,
  type WriterLease,
  planProgram,
} from "@cloudphoenix/engine";
import * as stalls from "./stalls.ts";
import type { World } from "./world.ts";

type Switches = Pick<World, "sabotages">;

export function policy({ sabotages }: Switches, sound: Policy): Policy {
  return {
    ...sound,
    ...(sabotages.has("no-hysteresis") ? { holdMs: { heal: 0, region: 0, dr: 0 } } : {}),
    ...(sabotages.has("no-cooldown") ? { cooldownMs: 0 } : {}),
    ...(sabotages.has("network-fence-suffices") ? { fenceMin: "network" as const } : {}),
    ...(sabotages.has("no-evidence-asked") ? { evidenceMin: { heal: 0, region: 0, dr: 0 } } : {}),
    ...(sabotages.has("no-coverage-asked") ? { coverageMin: 0 } : {}),
    ...(sabotages.has("never-dr") ? { modes: { ...sound.modes, dr: "observe" as const } } : {}),
  };
}

export function terms({ sabotages }: Switches, sound: LeaseTerms): LeaseTerms {
  return sabotages.has("wait-too-short") ? { ...sound, marginMs: -sound.ttlMs / 2 } : sound;
}

/** The clock of the writer lease; skipping its waits skips the wait for the lapse. */
export function leaseClock({ sabotages }: Switches, sound: Clock): Clock {
  if (!sabotages.has("no-lease-wait")) return sound;
  let skippedMs = 0;
  return {
    now: () => sound.now() + skippedMs,
    sleep(ms, signal) {
      skippedMs += ms;
      return sound.sleep(0, signal);
    },
  };
}

/** A witness that only pretends to seal. */
export function witness({ sabotages }: Switches, sound: LeaseWitness): LeaseWitness {
  if (!sabotages.has("seal-not-stored")) return sound;
  let pretended: Awaited<ReturnType<LeaseWitness["read"]>> = null;
  return {
    async read(signal) {
      const stored = await sound.read(signal);
      if (pretended === null || stored === null) return stored;
      if (stored.lease.epoch >= pretended.lease.epoch) return stored;
      return {
        lease: { ...pretended.lease, renewals: stored.lease.renewals },
        version: stored.version,
      };
    },
    async replace(next, expected, signal) {
      if (next.holder !== null) return sound.replace(next, expected, signal);
      pretended = { lease: next, version: expected ?? "" };
      return expected;
    },
  };
}

type Lease = Fencer & Pick<WriterLease, "open" | "seal">;

/** A lease that is handed over without ever having been taken away. */
export function writerLease(world: World, sound: Lease): Lease {
  const delegate: Lease = {
    means: sound.means,
    ...(sound.patienceMs === undefined ? {} : { patienceMs: sound.patienceMs }),
    seal: (site, generation, signal) => sound.seal(site, generation, signal),
    open: (site, grant, signal) => sound.open(site, grant, signal),
    fence: (site, generation, signal) => sound.fence(site, generation, signal),
    unfence: (site, generation, signal) => sound.unfence(site, generation, signal),
    forecast: (site, signal) => sound.forecast(site, signal),
  };
  if (world.sabotages.has("fence-never-succeeds")) {
    return { ...delegate, fence: () => stalls.noProof(sound) };
  }
  if (world.sabotages.has("undo-keeps-lease")) {
    return { ...delegate, unfence: async () => undefined };
  }
  if (world.sabotages.has("lease-ended-early")) {
    return {
      ...delegate,
      forecast: async (site, signal) => endedEarly(world, site, await sound.forecast(site, signal)),
      fence: async (site, epoch, signal) =>
        endedEarly(world, site, await sound.fence(site, epoch, signal)),
    };
  }
  if (!world.sabotages.has("grant-without-seal")) return sound;
  return {
    ...delegate,
    seal: async () => null,
    fence: async () => ({ means: "lease", degree: "lease-expired", detail: "taken for granted" }),
    async open(site, { generation, open }, signal) {
      await open(signal);
      const { database } = world.site(site);
      const untilMs = database.process.readClock() + world.settings.terms.ttlMs;
      database.extendLease({ epoch: generation, untilMs });
    },
  };
}

/** The proof that says that nothing was written after what the standbys have. */
function endedEarly({ sites }: World, site: string, proof: FenceProof): FenceProof {
  if (proof.degree !== "lease-expired") return proof;
  const others = sites.filter(({ id }) => id !== site);
  const beats = others.map(({ database }) => database.newestBeat()?.atMs ?? 0);
  return { ...proof, leaseEndedAtMs: Math.max(...beats) };
}

/** Generations are claimed as if nobody had moved since the plan was made. */
export function roles({ sabotages }: Switches, sound: RoleStore): RoleStore {
  if (!sabotages.has("claim-whoever-is-active")) return sound;
  return {
    read: () => sound.read(),
    claim: async (run, generation) => sound.claim(run, generation, (await sound.read()).active),
    settle: (generation, outcome) => sound.settle(generation, outcome),
  };
}

/** What a vantage says, twisted on its way to the watch. */
export function source(world: World, sound: ObservationSource): ObservationSource {
  const twist = twistOf(world);
  if (twist === null) return sound;
  return {
    start: (listener) => sound.start(twist(listener)),
    stop: () => sound.stop(),
  };
}

function twistOf(world: World): ((listener: ObservationListener) => ObservationListener) | null {
  const { sabotages, settings } = world;
  const asked = settings.signals.filter((signal) => signal.kind !== "replication-lag");
  if (sabotages.has("blindness-ignored")) {
    return (listener) => ({
      observed: (observation) => listener.observed(observation),
      sighted: () => undefined,
    });
  }
  if (sabotages.has("unknown-counts-as-bad")) {
    // Whenever anybody reports, everything nobody reported for a while is put down as bad.
    const newest = new Map<string, number>();
    return (listener) => ({
      sighted: () => undefined,
      observed(observation) {
        newest.set(observation.signal, observation.atMs);
        listener.observed(observation);
        for (const { id, vantages, freshnessMs } of asked) {
          const lastMs = newest.get(id) ?? observation.atMs;
          if (observation.atMs - lastMs <= freshnessMs) continue;
          for (const vantage of vantages) {
            listener.observed({ ...observation, signal: id, vantage, status: "unhealthy" });
          }
        }
      },
    });
  }
  if (sabotages.has("one-witness-for-all")) {
    return (listener) => ({
      sighted: (sight) => listener.sighted(sight),
      observed(observation) {
        listener.observed(observation);
        if (observation.status !== "unhealthy") return;
        const { site } = asked.find((one) => one.id === observation.signal) ?? {};
        for (const { id, vantages } of asked.filter((one) => one.site === site)) {
          const status: Status = "unhealthy";
          for (const vantage of vantages) {
            listener.observed({ ...observation, signal: id, vantage, status });
          }
        }
      },
    });
  }
  return null;
}

/** Handlers that do not ask people although they must. */
export function handlers({ sabotages }: Switches, sound: StepHandlers): StepHandlers {
  const mute: StepKind[] = [];
  if (sabotages.has("weak-fence-not-asked")) mute.push("fence-site");
  if (sabotages.has("loss-not-asked")) mute.push("measure-loss");
  if (mute.length === 0) return sound;
  const muted = mute.map((kind) => {
    const handler = sound[kind];
    return [
      kind,
      {
        ...handler,
        async run(action: never, context: never) {
          const result = await handler.run(action, context);
          return approvalAsked(result)
            ? { ...JSON.parse(JSON.stringify(result)), approvalNeeded: null }
            : result;
        },
      },
    ];
  });
  return Object.assign({}, sound, Object.fromEntries(muted));
}

function approvalAsked(result: Json): boolean {
  return typeof result === "object" && result !== null && "approvalNeeded" in result;
}

/** Plans that were tampered with after the linter saw them. */
export function program({ sabotages }: Switches, deps: InterpreterDeps): RunProgram {
  const sound = planProgram(deps);
  const heard = (context: DurableContext): DurableContext =>
    answersAnything({ sabotages }, stalls.context({ sabotages }, context), deps);
  const tamper = (plan: Plan): Plan => {
    if (sabotages.has("promote-before-fence")) return without(plan, "fence-site", "last");
    if (sabotages.has("no-drain")) return without(plan, "drain-replication", "never");
    return plan;
  };
  return {
    interpret: (context, plan, startedBy) =>
      sound.interpret(heard(context), tamper(plan), startedBy),
    executeBranch: (context, plan, stepId) => sound.executeBranch(context, tamper(plan), stepId),
  };
}

/** The mutant that keeps an approval until something is asked, and takes it for the answer. */
function answersAnything(
  { sabotages }: Switches,
  sound: DurableContext,
  { runs }: Pick<InterpreterDeps, "runs">,
): DurableContext {
  if (!sabotages.has("approval-for-anything")) return sound;
  const early: RunCommand[] = [];
  let heard = 0;
  const asAsked = async (command: RunCommand): Promise<RunCommand> => {
    heard += 1;
    const question = await sound.step(`asked:${heard}`, async () => {
      const run = await runs.get(sound.runId).catch(() => null);
      return run?.question ?? 0;
    });
    return command.kind === "approve" ? { ...command, question } : command;
  };
  return stalls.hearing(sound, async (timeoutMs) => {
    const kept = timeoutMs > 0 ? early.shift() : undefined;
    if (kept !== undefined) return asAsked(kept);
    for (;;) {
      const command = await sound.receive(timeoutMs);
      if (command?.kind !== "approve") return command;
      if (timeoutMs > 0) return asAsked(command);
      early.push(command);
    }
  });
}

/** The plan with one kind of step moved behind the opening, or left out. */
function without(plan: Plan, kind: StepKind, when: "last" | "never"): Plan {
  const moved = plan.steps.filter((step) => step.action.kind === kind);
  const opening = plan.steps.find((step) => step.action.kind === "open-writes");
  if (opening === undefined || moved.length === 0) return plan;
  const movedIds = new Set(moved.map((step) => step.id));
  const before = moved.flatMap((step) => step.needs);
  const rest = plan.steps
    .filter((step) => !movedIds.has(step.id))
    .map((step) => ({
      ...step,
      needs: step.needs.flatMap((need) => (movedIds.has(need) ? before : [need])),
    }));
  if (when === "never") return { ...plan, steps: rest };
  return { ...plan, steps: [...rest, ...moved.map((step) => ({ ...step, needs: [opening.id] }))] };
}

/** The mutant that takes the end of the lease from a clock read after the grant. */
export function keeperLease(world: World, lease: SiteLease): SiteLease {
  if (!world.sabotages.has("lease-from-late-clock")) return lease;
  return {
    ...lease,
    async extend({ epoch }) {
      const patient = new AbortController().signal;
      const { nowMs } = await lease.read(patient);
      await lease.extend({ epoch, untilMs: nowMs + world.settings.terms.ttlMs }, patient);
    },
  };
}

/** The mutant that takes silence for consent. */
export function keeperWitness(world: World, sound: LeaseWitness): LeaseWitness {
  if (!world.sabotages.has("renew-on-silence")) return sound;
  let known: Awaited<ReturnType<LeaseWitness["read"]>> = null;
  const soon = (): AbortSignal => {
    const limit = new AbortController();
    world.scheduler.after(200, () => limit.abort());
    return limit.signal;
  };
  return {
    async read() {
      known = await orElse(sound.read(soon()), () => known);
      return known;
    },
    replace: (next, expected) =>
      orElse(sound.replace(next, expected, soon()), () => expected ?? "granted"),
  };
}

async function orElse<T>(answer: Promise<T>, fallback: () => T): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof CloudPhoenixError)) throw error;
    return fallback();
  }
}
