/**
 * Brings everything of the active site to a standby, shared among all workers.
 *
 * The names are cut into ranges, each a task; workers on any machine drain them. Whoever asks for it may
 * vanish: the ranges stay in the queue, and asking again by the same name goes on with them, also with
 * those that were set aside. That holds as long as objects flow the same way: in another generation the
 * same name is another seed, which finds in place what the earlier one copied.
 */
import type { StateDatabase } from "@cloudphoenix/adapter-dbos";
import type { Configuration } from "@cloudphoenix/config";
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import {
  type CopyRangePayload,
  cutRanges,
  OBJECT_TASKS,
  RANGE_BYTES,
  RANGE_OBJECTS,
} from "@cloudphoenix/objects";
import { systemClock, systemRandom } from "../composition/system.ts";
import { type SiteStores, storeOf } from "../composition/site-stores.ts";
import { type SeedProgress, seedProgress } from "./seed-progress.ts";

export interface SeedOptions {
  readonly configuration: Pick<Configuration, "application">;
  readonly state: Pick<StateDatabase, "roles" | "work">;
  readonly stores: SiteStores;
  /** Names the seed: within a generation, the same name goes on with the same ranges. */
  readonly name: string;
  /** Objects per range; default `RANGE_OBJECTS`. */
  readonly rangeObjects?: number;
  readonly onProgress: (progress: SeedProgress) => void;
  readonly signal: AbortSignal;
}

/** One seed in the queue. */
interface Seed {
  readonly batch: string;
  readonly from: SiteId;
  readonly to: SiteId;
  readonly generation: number;
}

const LOOK_MS = 500;
/** More ranges than this are not one seed. */
const RANGES_MAX = 20_000;

/**
 * Resolves when every range has ended.
 * @throws {CloudPhoenixError} `ABORTED` (the ranges stay), and as `cutRanges`
 */
export async function seedStandby(options: SeedOptions): Promise<SeedProgress> {
  const { configuration, state, onProgress, signal } = options;
  const { name: application } = configuration.application;
  const seed = await seedOf(options);
  await retrySetAside(options, seed);
  await enqueueRanges(options, seed);
  for (;;) {
    const progress = seedProgress(await state.work.batch(application, seed.batch, RANGES_MAX));
    onProgress(progress);
    const { waiting, claimed } = progress.ranges;
    if (waiting + claimed === 0) return progress;
    await systemClock.sleep(LOOK_MS, signal);
  }
}

/** Asking again means that the reason is gone. */
async function retrySetAside({ configuration, state }: SeedOptions, seed: Seed): Promise<void> {
  const { name: application } = configuration.application;
  const known = await state.work.batch(application, seed.batch, RANGES_MAX);
  for (const { id, status } of known) {
    if (status === "set-aside") await state.work.retry(id);
  }
}

/**
 * Cuts and enqueues while others begin to work. Whoever finds a cut that never came to its last range
 * cuts anew: the ranges overlap, and what is copied twice is found in place.
 */
async function enqueueRanges(options: SeedOptions, seed: Seed): Promise<void> {
  const { configuration, state, stores, signal } = options;
  const { name: application } = configuration.application;
  const { batch, from, to, generation } = seed;
  const known = await state.work.batch(application, batch, RANGES_MAX);
  if (known.some(({ key }) => key === lastOf(batch))) return;
  const cut = {
    surroundings: { clock: systemClock, random: systemRandom },
    signal,
    objects: options.rangeObjects ?? RANGE_OBJECTS,
    bytes: RANGE_BYTES,
  };
  let number = 0;
  for await (const range of cutRanges(storeOf(stores, from).place, cut)) {
    number += 1;
    if (number > RANGES_MAX) throw tooMany();
    const payload: CopyRangePayload = { from, to, generation, ...range };
    await state.work.enqueue({
      application,
      kind: OBJECT_TASKS.copyRange,
      key: range.upTo === undefined ? lastOf(batch) : `${batch}:${known.length}:${number}`,
      batch,
      payload: JSON.parse(JSON.stringify(payload)),
    });
  }
}

async function seedOf({ configuration, state, name }: SeedOptions): Promise<Seed> {
  const { active: from, generation } = await state.roles.read();
  const to = standbyOf(configuration, from);
  return { batch: seedBatch(name, { from, to, generation }), from, to, generation };
}

/** The batch of the ranges of a seed. */
export function seedBatch(
  name: string,
  { from, to, generation }: Pick<Seed, "from" | "to" | "generation">,
): string {
  return `seed ${from} ${to} ${generation} ${name}`;
}

/** Key of the range that is open at its end. */
function lastOf(batch: string): string {
  return `${batch}:last`;
}

function standbyOf({ application }: SeedOptions["configuration"], active: SiteId): SiteId {
  const standby = application.sites.find(({ id }) => id !== active);
  if (standby !== undefined) return standby.id;
  throw new CloudPhoenixError("CONFIG_INVALID", "the application has no other site", {
    retryable: false,
    hint: "Add the standby to the configuration.",
  });
}

function tooMany(): CloudPhoenixError {
  return new CloudPhoenixError("CONFLICT", `that would be more than ${RANGES_MAX} ranges`, {
    retryable: false,
    hint: "Ask for more objects per range.",
  });
}
