/**
 * The one process that keeps the copy at one site: the work on a task `follow`, which never ends.
 *
 * 1. The claim of the task is the lease: one follower per site at a time, and one that lost it, or may
 *    have, writes nothing more (`ContinuousCopy` asks before every batch).
 * 2. The direction comes from the roles; a change ends the copier and the next one begins. In between,
 *    and while nothing may be written, it tells why.
 * 3. Facts are told once a second, and only while the claim holds.
 */
import { type ObjectMemory } from "@cloudphoenix/adapter-dbos";
import type { ObjectsConfiguration } from "@cloudphoenix/config";
import {
  type Application,
  CloudPhoenixError,
  hasCode,
  type Json,
  messageOf,
  type SiteId,
} from "@cloudphoenix/core";
import type { Clock, FactStore } from "@cloudphoenix/engine";
import {
  ContinuousCopy,
  type CopiedVersions,
  type CopierMemory,
  copierMemoryIn,
  copierMemoryKey,
  objectReplicationKey,
  type ObjectReplicationFacts,
  partingOf,
  QUICK_RETRIES,
} from "@cloudphoenix/objects";
import type { Logger } from "pino";
import { type CopyParts, pairOf } from "../composition/copy-parts.ts";
import { type SiteStores, storeOf } from "../composition/site-stores.ts";
import type { TaskContext } from "../lanes/task-lane.ts";
import { type Direction, goesOn } from "./direction.ts";
import type { DirectionReader } from "./direction-reader.ts";
import { LEFT_BEHIND_MAX, noteLeftBehind } from "./left-behind.ts";
import type { Preflight } from "./preflight.ts";

export interface FollowerParts {
  readonly application: Application;
  readonly objects: ObjectsConfiguration;
  readonly stores: SiteStores;
  readonly copyParts: CopyParts;
  readonly memory: (pair: string) => ObjectMemory;
  readonly directions: DirectionReader;
  readonly preflight: Pick<Preflight, "check">;
  readonly facts: FactStore;
  readonly copiedVersions: CopiedVersions;
  /** Shared by all workers: its instants are stored. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Told what was told to the state database. */
  readonly onFacts: (facts: ObjectReplicationFacts) => void;
}

const TELL_MS = 1_000;
const LOOK_MS = 500;
const PENDING_MAX = 100_000;
/** A comparison comes at least this often, however dear it is. */
const RECONCILE_MAX_MS = 3_600_000;

type Copying = Extract<Direction, { kind: "copy" }>;
type Pausing = Extract<Direction, { kind: "pause" }>;

export class Follower {
  readonly #parts: FollowerParts;
  readonly #to: SiteId;
  /** What was told last, by this process or an earlier one. */
  #told: CopierMemory | null = null;
  #loaded = false;
  /** The newest in which the running copier was seen to have to go on. */
  #generation = 0;

  constructor(to: SiteId, parts: FollowerParts) {
    this.#to = to;
    this.#parts = parts;
  }

  /** Follows until `context.signal` aborts. @throws {CloudPhoenixError} `ABORTED`, `CLAIM_LOST` */
  async run(context: TaskContext): Promise<never> {
    const { clock, log } = this.#parts;
    let said = "";
    for (;;) {
      try {
        await this.#round(context);
        said = "";
      } catch (error) {
        if (context.signal.aborted || hasCode(error, "CLAIM_LOST")) throw error;
        const detail = messageOf(error);
        if (detail !== said) log.warn({ to: this.#to, detail }, "objects are not copied");
        said = detail;
      }
      await clock.sleep(LOOK_MS, context.signal);
    }
  }

  /** Does what the direction says, until it changes. */
  async #round(context: TaskContext): Promise<void> {
    const direction = await this.#parts.directions.read(this.#to);
    if (!this.#loaded) await this.#load(direction.generation);
    if (direction.kind === "none") this.#told = null;
    if (direction.kind === "pause") await this.#tellPause(direction, context);
    if (direction.kind !== "copy") return;
    try {
      await this.#copy(direction, context);
    } catch (error) {
      const lost = context.signal.aborted || hasCode(error, "CLAIM_LOST");
      const pause = { ...direction, kind: "pause", moving: false } as const;
      if (!lost) await this.#tellPause({ ...pause, reason: messageOf(error) }, context);
      throw error;
    }
  }

  /** Takes up what an earlier process told, unless the application has moved away and back since. */
  async #load(generation: number): Promise<void> {
    const { facts, application } = this.#parts;
    const stored = copierMemoryIn(await facts.get(copierMemoryKey(application.name, this.#to)));
    this.#told = stored !== null && stored.facts.generation >= generation - 1 ? stored : null;
    this.#loaded = true;
  }

  /** Copies until the direction changes. @throws {CloudPhoenixError} `STALE_GENERATION` then */
  async #copy(direction: Copying, context: TaskContext): Promise<void> {
    const { log } = this.#parts;
    this.#generation = direction.generation;
    const copier = await this.#copier(direction, context);
    const { from, to, generation } = direction;
    log.info({ from, to, generation }, "copying objects");
    const over = new AbortController();
    const telling = this.#tellLoop(copier, context, AbortSignal.any([context.signal, over.signal]));
    try {
      await copier.run(context.signal);
    } catch (error) {
      if (!hasCode(error, "STALE_GENERATION")) throw error;
      log.info({ from, to, generation }, "the direction changed");
      await this.#noteLeftBehind(copier, direction, context);
    } finally {
      over.abort();
      await telling;
      this.#told = this.#memoryOf(copier);
    }
  }

  async #copier(direction: Copying, context: TaskContext): Promise<ContinuousCopy> {
    const { application, objects, stores, copyParts, memory, log, preflight } = this.#parts;
    const { facts, copiedVersions } = this.#parts;
    const { from, to, generation } = direction;
    const source = storeOf(stores, from);
    const target = storeOf(stores, to);
    await preflight.check([source.place.store, target.place.store], context.signal);
    const mayReplace = await partingOf(
      {
        application: application.name,
        facts,
        copiedVersions,
        site: to,
        followedBy: from,
        place: target.place,
      },
      context.signal,
    );
    const { journal, tombstones } = memory(pairOf(application.name, from, to));
    return new ContinuousCopy({
      from,
      to,
      generation,
      source: source.place,
      target: target.place,
      // A queue hands every event to one follower only.
      hints: application.sites.length > 2 ? null : source.hints,
      tools: copyParts.tools(source.place, target.place, { journal, retries: QUICK_RETRIES }),
      tombstones,
      copiedVersions,
      limits: {
        inFlight: objects.inFlight,
        pendingMax: PENDING_MAX,
        canaryMs: objects.canaryMs,
        reconcileMinMs: objects.reconcileMs,
        reconcileMaxMs: Math.max(objects.reconcileMs, RECONCILE_MAX_MS),
        deletes: objects.deletes,
      },
      authority: () => this.#authority(direction, context),
      mayReplace,
      earlier: this.#told?.facts.from === from ? this.#told : null,
      log: (level, message) => log[level]({ from, to }, message),
    });
  }

  /** @throws {CloudPhoenixError} `STALE_GENERATION`, `CLAIM_LOST`, `STATE_UNAVAILABLE` */
  async #authority(direction: Copying, context: TaskContext): Promise<void> {
    const now = await this.#parts.directions.read(this.#to);
    // Asked last: while the state database answered, this process may have been frozen.
    context.stillOurs();
    if (goesOn({ ...direction, generation: this.#generation }, now)) {
      this.#generation = now.generation;
      return;
    }
    const message = `objects no longer flow from ${direction.from} to ${direction.to} in generation ${this.#generation}`;
    throw new CloudPhoenixError("STALE_GENERATION", message, { retryable: false });
  }

  async #noteLeftBehind(
    copier: ContinuousCopy,
    { from, to }: Copying,
    context: TaskContext,
  ): Promise<void> {
    const { application, facts } = this.#parts;
    const names = copier.pendingNames(LEFT_BEHIND_MAX);
    context.stillOurs();
    const of = { application: application.name, from, to, generation: this.#generation };
    await noteLeftBehind(facts, of, names);
  }

  #memoryOf(copier: ContinuousCopy): CopierMemory {
    const memory = copier.memory();
    return { ...memory, facts: { ...memory.facts, generation: this.#generation } };
  }

  async #tellLoop(
    copier: ContinuousCopy,
    context: TaskContext,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      try {
        await this.#tell(this.#memoryOf(copier), context);
      } catch (error) {
        if (!signal.aborted)
          log.warn({ detail: messageOf(error) }, "the facts could not be stored");
      }
      await clock.sleep(TELL_MS, signal).catch(() => undefined);
    }
  }

  /** What is known goes on to age; in the middle of a move that is what is known of the pair that is left. */
  async #tellPause(pause: Pausing, context: TaskContext): Promise<void> {
    const { from, to, generation, reason: paused, moving } = pause;
    const atMs = this.#parts.clock.now();
    const known = this.#told;
    if (known !== null && (moving || known.facts.from === from)) {
      await this.#tell({ ...known, facts: { ...aged(known.facts, atMs), paused } }, context);
    } else if (!moving) {
      const facts = { ...NOTHING_KNOWN, from, to, generation, paused, atMs };
      await this.#tell({ facts, copied: null, deletes: [] }, context);
    }
  }

  async #tell(memory: CopierMemory, context: TaskContext): Promise<void> {
    context.stillOurs();
    const { application, facts: store, onFacts } = this.#parts;
    const { facts } = memory;
    await store.put(copierMemoryKey(application.name, this.#to), json(memory));
    await store.put(objectReplicationKey(application.name, this.#to), json(facts));
    this.#told = memory;
    onFacts(facts);
  }
}

const NOTHING_KNOWN = {
  backlogAgeMs: null,
  pending: 0,
  markMs: null,
  canarySeenMs: null,
  lastReconciledMs: null,
  copied: 0,
  bytes: 0,
  copiedServerSide: 0,
  bytesServerSide: 0,
  deleted: 0,
  failed: 0,
  needPerson: 0,
  failures: [],
  deletesHeldBack: null,
} as const;

function json(plain: object): Json {
  return JSON.parse(JSON.stringify(plain));
}

/** Facts of earlier, as they are now that time has passed. */
function aged(facts: ObjectReplicationFacts, atMs: number): ObjectReplicationFacts {
  const passedMs = Math.max(0, atMs - facts.atMs);
  const backlogAgeMs = facts.backlogAgeMs === null ? null : facts.backlogAgeMs + passedMs;
  return { ...facts, backlogAgeMs, atMs };
}
