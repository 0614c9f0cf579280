/**
 * Settles the objects of a site that was left: what is still there is copied by a worker, through the
 * work queue; what rows point to and the new site lacks is found here, by walking both side by side.
 */
import {
  CloudPhoenixError,
  messageOf,
  siteOf,
  type Application,
  type SiteId,
} from "@cloudphoenix/core";
import type {
  Clock,
  ObjectDesk,
  ObjectSettlement,
  Random,
  Task,
  WorkQueue,
} from "@cloudphoenix/engine";
import {
  type AbsentKeys,
  absentKeys,
  type FinalSyncResult,
  OBJECT_TASKS,
  QUICK_RETRIES,
} from "@cloudphoenix/objects";
import type { OpenPlace } from "./open-place.ts";

export interface QueuedObjectDeskOptions {
  readonly application: Application;
  readonly work: Pick<WorkQueue, "enqueue" | "read" | "cancel">;
  readonly clock: Clock;
  readonly random: Random;
  /** Longest a worker may copy. */
  readonly finalSyncMs: number;
  /** Pages of keys that rows at `site` point to, per column, each in byte order. */
  readonly references: (
    site: SiteId,
    signal: AbortSignal,
  ) => readonly AsyncIterable<readonly string[]>[];
  /** The store of `site`; whoever opens it closes it. */
  readonly openPlace: (site: SiteId) => Promise<OpenPlace>;
}

/** A worker of an older release does not say why it stopped. */
type WorkerResult = Omit<FinalSyncResult, "stopped"> & Partial<Pick<FinalSyncResult, "stopped">>;

const POLL_MS = 200;
/** A worker looks for work every quarter of a second; one that is busy with a move may take longer. */
const WORKER_GRACE_MS = 5_000;
/** Longest the rows are walked; nobody waits for it to write. */
const WALK_MS = 3_600_000;
/** More are only counted. */
const MISSING_NAMED_MAX = 1_000;

export class QueuedObjectDesk implements ObjectDesk {
  readonly #options: QueuedObjectDeskOptions;

  constructor(options: QueuedObjectDeskOptions) {
    this.#options = options;
  }

  /** See `ObjectDesk`. A worker that cannot be had costs its part, not the other. */
  async settle(
    from: SiteId,
    to: SiteId,
    generation: number,
    signal: AbortSignal,
  ): Promise<ObjectSettlement> {
    for (const site of [from, to]) siteOf(this.#options.application, site);
    const synced = await this.#finalSync({ from, to, generation }, signal);
    const absent = await this.#absent(to, signal);
    return {
      copied: synced.result?.copied ?? 0,
      left: synced.result?.left ?? null,
      referenced: absent.looked,
      allRows: absent.all,
      missing: absent.absent,
      missingKeys: absent.first,
      detail: `${synced.detail}; ${absent.absent} of ${absent.looked} objects that rows point to are missing at ${to}${absent.all ? "" : ", and there was no time for the other rows"}`,
    };
  }

  async #finalSync(
    pair: { readonly from: SiteId; readonly to: SiteId; readonly generation: number },
    signal: AbortSignal,
  ): Promise<{ readonly result: WorkerResult | null; readonly detail: string }> {
    const { application, work, finalSyncMs } = this.#options;
    const { from, to, generation } = pair;
    if (finalSyncMs === 0)
      return { result: null, detail: "nothing more was copied, as configured" };
    const task = await work.enqueue({
      application: application.name,
      kind: OBJECT_TASKS.finalSync,
      key: `${OBJECT_TASKS.finalSync} ${from} ${to} ${generation}`,
      payload: { ...pair, limitMs: finalSyncMs },
      urgency: 10,
      attemptsMax: 2,
    });
    const ended = await this.#end(task, signal);
    if (ended.status === "done") {
      const result: WorkerResult = JSON.parse(JSON.stringify(ended.result));
      return { result, detail: syncText(result, from) };
    }
    const why = ended.failure?.message ?? "no worker took it in time";
    return { result: null, detail: `what ${from} still has was not copied: ${why}` };
  }

  /** The task once it has ended; cancelled if it does not in time. */
  async #end(task: Task, signal: AbortSignal): Promise<Task> {
    const { work, clock, finalSyncMs } = this.#options;
    const untilMs = clock.now() + finalSyncMs + WORKER_GRACE_MS;
    let now = task;
    while (!isOver(now)) {
      if (clock.now() >= untilMs) {
        await work.cancel(task.id);
        return work.read(task.id);
      }
      await clock.sleep(POLL_MS, signal);
      now = await work.read(task.id);
    }
    return now;
  }

  /** `all`: every row was looked at. */
  async #absent(to: SiteId, signal: AbortSignal): Promise<AbsentKeys & { readonly all: boolean }> {
    const { references, openPlace, clock, random } = this.#options;
    const [over, done] = [new AbortController(), new AbortController()];
    void clock.sleep(WALK_MS, AbortSignal.any([signal, done.signal])).then(
      () => over.abort(),
      () => undefined,
    );
    const until = over.signal;
    const tools = { surroundings: { clock, random }, retries: QUICK_RETRIES };
    const found: AbsentKeys[] = [];
    let place: OpenPlace | null = null;
    try {
      place = await openPlace(to);
      for (const keys of references(to, AbortSignal.any([signal, until]))) {
        if (until.aborted) break;
        const { store, prefix } = place;
        const prefixed = withPrefix(keys, prefix);
        const request = { keys: prefixed, store, prefix, keep: MISSING_NAMED_MAX, until, tools };
        found.push(await absentKeys(request, signal));
      }
    } catch (error) {
      throw new CloudPhoenixError(
        "UNREACHABLE",
        `which objects are missing at ${to} cannot be told: ${messageOf(error)}`,
        { retryable: true, cause: error },
      );
    } finally {
      done.abort();
      place?.close();
    }
    return {
      looked: found.reduce((sum, one) => sum + one.looked, 0),
      absent: found.reduce((sum, one) => sum + one.absent, 0),
      first: found.flatMap(({ first }) => first).slice(0, MISSING_NAMED_MAX),
      all: !until.aborted,
    };
  }
}

function isOver({ status }: Task): boolean {
  return status === "done" || status === "set-aside" || status === "cancelled";
}

/** Rows name objects without the prefix of the place. */
async function* withPrefix(
  pages: AsyncIterable<readonly string[]>,
  prefix: string,
): AsyncGenerator<readonly string[]> {
  for await (const keys of pages) yield keys.map((key) => prefix + key);
}

function syncText({ copied, left, stopped }: WorkerResult, from: SiteId): string {
  const text = `${copied} more objects were copied from ${from}`;
  if (left !== null && left > 0) return `${text}, ${left} are left${reasonText(stopped)}`;
  if (left !== null) return text;
  const why = stopped?.why;
  const reason = reasonText(stopped);
  if (why === "no-answer") return `${text}: its store does not answer${reason}`;
  if (why === "out-of-time") {
    return `${text}, then the time was over: how many are left is not known`;
  }
  return `${text}: how many are left is not known${reason}`;
}

function reasonText(stopped: FinalSyncResult["stopped"] | undefined): string {
  return stopped?.message == null ? "" : `: ${stopped.message}`;
}
