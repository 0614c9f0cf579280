/**
 * The sabotages that leave the application without a writer, at the same kind of seams as those in
 * `sabotage.ts`: everything stays safe, and nothing gets done.
 */
import { CloudPhoenixError, type FenceProof, type Json } from "@cloudphoenix/core";
import type {
  DatabaseControl,
  DurableContext,
  Fencer,
  SiteLease,
  StepHandlers,
  WorkloadControl,
} from "@cloudphoenix/engine";
import type { World } from "./world.ts";

type Switches = Pick<World, "sabotages">;

const UNDERSTATED_TO = 0.1;

/** Fencers that prove nothing; `sound` is not asked. */
export function fencer({ sabotages }: Switches, sound: Fencer): Fencer {
  return sabotages.has("fence-never-succeeds") ? { ...sound, fence: () => noProof(sound) } : sound;
}

export async function noProof({ means }: Pick<Fencer, "means">): Promise<FenceProof> {
  return { means, degree: "unproven", detail: "it did not work" };
}

export function databases({ sabotages }: Switches, sound: DatabaseControl): DatabaseControl {
  if (!sabotages.has("promote-always-fails")) return sound;
  return {
    ...sound,
    promote: (site) =>
      Promise.reject(
        new CloudPhoenixError("PROMOTION_REFUSED", `${site} will not`, { retryable: false }),
      ),
  };
}

export function workloads({ sabotages }: Switches, sound: WorkloadControl): WorkloadControl {
  if (!sabotages.has("scale-hangs")) return sound;
  return { ...sound, scale: (_site, _workload, _change, signal) => silence(signal) };
}

function silence(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const end = (): void =>
    reject(new CloudPhoenixError("ABORTED", "the question was given up", { retryable: true }));
  signal.addEventListener("abort", end, { once: true });
  return promise;
}

export function siteLease({ sabotages }: Switches, sound: SiteLease): SiteLease {
  if (!sabotages.has("lease-never-renewed")) return sound;
  return { ...sound, extend: async () => undefined };
}

/** What a run hears of its operators. */
export function context({ sabotages }: Switches, sound: DurableContext): DurableContext {
  if (!sabotages.has("answers-dropped")) return sound;
  return hearing(sound, async (timeoutMs) => {
    for (;;) {
      const command = await sound.receive(timeoutMs);
      if (command === null || command.kind === "cancel") return command;
    }
  });
}

/** `sound`, but operators are heard through `receive`. */
export function hearing(sound: DurableContext, receive: DurableContext["receive"]): DurableContext {
  return {
    runId: sound.runId,
    step: (name, work) => sound.step(name, work),
    sleep: (ms) => sound.sleep(ms),
    branches: (plan, stepIds) => sound.branches(plan, stepIds),
    receive,
  };
}

export function handlers({ sabotages }: Switches, sound: StepHandlers): StepHandlers {
  const opening = sound["open-writes"];
  const measuring = sound["measure-loss"];
  return {
    ...sound,
    ...(sabotages.has("writes-stay-closed") && {
      "open-writes": {
        ...opening,
        skipPrecheck: true,
        run: async ({ site }) => ({ site }),
        verify: async () => ({ ok: true, detail: "writes are open" }),
      },
    }),
    ...(sabotages.has("loss-understated") && {
      "measure-loss": {
        ...measuring,
        run: async (action, step) => understated(await measuring.run(action, step)),
      },
    }),
  };
}

function understated(result: Json): Json {
  if (typeof result !== "object" || result === null || !("boundMs" in result)) return result;
  const { boundMs } = result;
  if (typeof boundMs !== "number") return result;
  return { ...result, boundMs: Math.round(boundMs * UNDERSTATED_TO) };
}
