/**
 * The life of one worker: tasks from the queue of the state database, and the copy of every site.
 *
 * 1. Any number of workers run beside each other; what is done once is settled by claims.
 * 2. Three lanes, so that nothing waits behind something slower: following, what plans wait for,
 *    and bulk work.
 * 3. An orderly close gives everything back within seconds; a crash costs one claim time.
 */
import { hostname } from "node:os";
import type { Configuration, HostPort } from "@cloudphoenix/config";
import { CloudPhoenixError, type Json, messageOf } from "@cloudphoenix/core";
import { type Clock, type Random, StateClock } from "@cloudphoenix/engine";
import { OBJECT_TASKS } from "@cloudphoenix/objects";
import type { Logger } from "pino";
import { CopyParts } from "./composition/copy-parts.ts";
import { closeGround, type Ground, openGround } from "./composition/ground.ts";
import { systemClock, systemRandom } from "./composition/system.ts";
import { DirectionReader } from "./follower/direction-reader.ts";
import { Follower, type FollowerParts } from "./follower/follower.ts";
import { Preflight } from "./follower/preflight.ts";
import { WorkerMetrics } from "./http/worker-metrics.ts";
import { startWorkerServer, type WorkerServer } from "./http/worker-server.ts";
import { type TaskHandler, TaskLane } from "./lanes/task-lane.ts";
import type { SeedProgress } from "./seed/seed-progress.ts";
import { type SeedOptions, seedStandby } from "./seed/seed-standby.ts";
import { copyRange } from "./tasks/copy-range.ts";
import { finalSyncTask } from "./tasks/final-sync.ts";
import type { ObjectTaskParts } from "./tasks/object-task.ts";

export interface WorkerOptions {
  readonly log: Logger;
  /** Null serves nothing; port 0 takes a free one. */
  readonly listen: HostPort | null;
  /** Ranges copied at the same time; 0 leaves bulk work to others. */
  readonly slots: number;
  /** Most that it moves, whatever it does; null: as the configuration says. */
  readonly bytesPerSecond: number | null;
  /** Whether it may follow the active site. */
  readonly follow: boolean;
}

/** See `seedStandby`. */
export type SeedRequest = Pick<SeedOptions, "name" | "rangeObjects" | "onProgress" | "signal">;

export interface Worker {
  /** Base URL of `/live`, `/ready` and `/metrics`; null if it serves nothing. */
  readonly url: string | null;
  /** Has everything brought to the standby, by this worker and all others. Errors as `seedStandby`. */
  seed(request: SeedRequest): Promise<SeedProgress>;
  /** Gives everything back and ends. Idempotent. */
  close(): Promise<void>;
}

/** A follower that dies is missed after this; it renews four times as often. */
const FOLLOW_CLAIM_MS = 4_000;
const TASK_CLAIM_MS = 8_000;
const PLAN_POLL_MS = 250;
const BULK_POLL_MS = 1_000;
/** Plans of one application come one at a time; two, so that one that hangs blocks nothing. */
const PLAN_SLOTS = 2;
const HOUSEKEEPING_MS = 15_000;
const KEEP_ENDED_MS = 7 * 24 * 3_600_000;

/**
 * Opens state and stores, and begins to work.
 * @throws {CloudPhoenixError} `CONFIG_INVALID`, `PORT_TAKEN`, `STATE_UNAVAILABLE`, `STATE_VERSION`, …
 */
export async function startWorker(
  configuration: Configuration,
  options: WorkerOptions,
): Promise<Worker> {
  const ground = await openGround(configuration, options.log);
  const worker = new RunningWorker(ground, options);
  try {
    await worker.start();
    return worker;
  } catch (error) {
    await worker.close();
    throw error;
  }
}

class RunningWorker implements Worker {
  url: string | null = null;
  readonly #ground: Ground;
  readonly #options: WorkerOptions;
  readonly #stopping = new AbortController();
  /** For claims, which are differences of instants of this process alone. */
  readonly #clock: Clock = systemClock;
  /** For what is stored. */
  readonly #directions: DirectionReader;
  readonly #stateClock: StateClock;
  readonly #random: Random = systemRandom;
  readonly #metrics: WorkerMetrics;
  readonly #copyParts: CopyParts;
  #server: WorkerServer | null = null;
  #working: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(ground: Ground, options: WorkerOptions) {
    this.#ground = ground;
    this.#options = options;
    const { name } = ground.configuration.application;
    const { application } = ground.configuration;
    this.#directions = new DirectionReader({ application, ...ground.state });
    this.#stateClock = new StateClock(systemClock, () => ground.state.time());
    this.#metrics = new WorkerMetrics(name, Object.values(OBJECT_TASKS));
    this.#copyParts = new CopyParts({
      clock: this.#stateClock,
      random: this.#random,
      serverSide: ground.configuration.objects?.serverSideCopy ?? "never",
      bytesPerSecond: this.#bytesPerSecond,
      onGivenUp: (detail) =>
        options.log.warn(
          { detail },
          "the target cannot read the source itself: objects are streamed",
        ),
    });
  }

  get #bytesPerSecond(): number | null {
    return (
      this.#options.bytesPerSecond ?? this.#ground.configuration.objects?.bytesPerSecond ?? null
    );
  }

  async start(): Promise<void> {
    const options = this.#options;
    const { configuration } = this.#ground;
    await this.#stateClock.set();
    if (options.follow) await this.#enqueueFollowers();
    if (options.listen !== null) {
      this.#server = await startWorkerServer(options.listen, {
        notReady: () => this.#notReady(),
        metrics: () => this.#exposition(),
      });
      this.url = this.#server.url;
    }
    const stop = this.#stopping.signal;
    this.#working = Promise.all([
      ...this.#lanes().map((lane) => lane.run(stop)),
      this.#housekeeping(stop),
    ]);
    const { name: application } = configuration.application;
    const bytesPerSecond = this.#bytesPerSecond;
    options.log.info({ application, address: this.url, bytesPerSecond }, "working");
  }

  seed(request: SeedRequest): Promise<SeedProgress> {
    return seedStandby({ ...this.#ground, ...request });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** One task per site that could be a standby; who has the site's claim keeps its copy. */
  async #enqueueFollowers(): Promise<void> {
    const { configuration, state } = this.#ground;
    for (const { id: site } of configuration.sites) {
      const { id, status } = await state.work.enqueue({
        application: configuration.application.name,
        kind: OBJECT_TASKS.follow,
        key: `follow:${site}`,
        payload: { site },
        attemptsMax: null,
      });
      if (status === "set-aside") await state.work.retry(id);
    }
  }

  #lanes(): readonly TaskLane[] {
    const options = this.#options;
    const { configuration } = this.#ground;
    const parts = this.#taskParts();
    const { finalSync, copyRange: range, follow } = OBJECT_TASKS;
    const lanes = [
      this.#lane({
        handlers: { [finalSync]: finalSyncTask(parts) },
        slots: PLAN_SLOTS,
        claimMs: TASK_CLAIM_MS,
        pollMs: PLAN_POLL_MS,
      }),
    ];
    if (options.slots > 0) {
      lanes.push(
        this.#lane({
          handlers: { [range]: copyRange(parts) },
          slots: options.slots,
          claimMs: TASK_CLAIM_MS,
          pollMs: BULK_POLL_MS,
        }),
      );
    }
    if (options.follow) {
      lanes.push(
        this.#lane({
          handlers: { [follow]: this.#follow() },
          slots: configuration.sites.length,
          claimMs: FOLLOW_CLAIM_MS,
          pollMs: PLAN_POLL_MS,
        }),
      );
    }
    return lanes;
  }

  #lane(
    lane: Pick<
      ConstructorParameters<typeof TaskLane>[0],
      "handlers" | "slots" | "claimMs" | "pollMs"
    >,
  ): TaskLane {
    const options = this.#options;
    const { state, configuration } = this.#ground;
    return new TaskLane({
      ...lane,
      queue: state.work,
      applications: [configuration.application.name],
      holder: `${hostname()}/${process.pid}`,
      clock: this.#clock,
      random: this.#random,
      listener: {
        ended: (kind, outcome) => {
          this.#metrics.ended(kind, outcome);
          if (outcome === "claim-lost") options.log.warn({ kind }, "a claim was lost");
        },
        trouble: (detail) => options.log.warn({ detail }, "trouble with a task"),
      },
    });
  }

  #taskParts(): ObjectTaskParts {
    const { configuration, stores, state } = this.#ground;
    return {
      application: configuration.application,
      stores,
      copyParts: this.#copyParts,
      memory: (pair) => state.objectMemory(pair),
      roles: state.roles,
      directions: this.#directions,
      facts: state.facts,
      copiedVersions: state.copiedVersions,
      log: this.#options.log,
      inFlight: configuration.objects?.inFlight ?? 1,
    };
  }

  #follow(): TaskHandler {
    const { objects } = this.#ground.configuration;
    const preflight = new Preflight({ clock: this.#clock, log: this.#options.log });
    return async (payload, context): Promise<Json> => {
      if (objects === null) throw new RangeError("a worker is not started without objects");
      const parts: FollowerParts = {
        ...this.#taskParts(),
        objects,
        preflight,
        clock: this.#stateClock,
        onFacts: (told) => this.#metrics.facts(told),
      };
      try {
        return await new Follower(siteIn(payload), parts).run(context);
      } finally {
        this.#metrics.followsNoMore();
      }
    };
  }

  async #housekeeping(stop: AbortSignal): Promise<void> {
    const options = this.#options;
    const { state, configuration } = this.#ground;
    while (!stop.aborted) {
      try {
        await this.#stateClock.set();
        this.#metrics.queue(await state.work.counts(configuration.application.name));
        await state.work.prune(KEEP_ENDED_MS);
      } catch (error) {
        options.log.warn({ detail: messageOf(error) }, "the work queue does not answer");
      }
      await this.#clock.sleep(HOUSEKEEPING_MS, stop).catch(() => undefined);
    }
  }

  async #notReady(): Promise<string | null> {
    if (this.#stopping.signal.aborted) return "it is stopping";
    try {
      await this.#ground.state.roles.read();
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  async #exposition(): Promise<{ readonly contentType: string; readonly text: string }> {
    const { state, configuration } = this.#ground;
    this.#metrics.queue(await state.work.counts(configuration.application.name));
    return { contentType: this.#metrics.contentType, text: await this.#metrics.text() };
  }

  async #close(): Promise<void> {
    this.#stopping.abort(new CloudPhoenixError("ABORTED", "the worker stops", { retryable: true }));
    await this.#working;
    await this.#server?.close();
    await closeGround(this.#ground);
    this.#options.log.info("stopped");
  }
}

function siteIn(payload: Json): string {
  if (typeof payload === "object" && payload !== null && "site" in payload) {
    const { site } = payload;
    if (typeof site === "string") return site;
  }
  throw new CloudPhoenixError("BAD_REQUEST", "the task names no site", { retryable: false });
}
