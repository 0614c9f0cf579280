/**
 * Sets replication up when an operator orders it, in the background, for as long as the copy takes.
 *
 * 1. Who is followed is what the roles say, never what somebody typed.
 * 2. One at a time. It is on record before it begins; the next leader goes on with it.
 * 3. A run always wins: the moment one is under way, whatever is being set up is let go of, and
 *    taken up again only if the sites still have the same roles after it.
 * 4. What may pass is tried again; what was made stays and is found.
 */
import {
  type Application,
  CloudPhoenixError,
  messageOf,
  type RunningRun,
  type SiteId,
} from "@cloudphoenix/core";
import type { Clock, Random } from "../ports/clock.ts";
import type {
  ReplicationSetup,
  SetupForecast,
  SetupProgress,
  SetupResult,
} from "../ports/replication-setup.ts";
import type { AuditLog, FactStore, RoleStore, RunStore } from "../ports/state-store.ts";
import { RUNS_READ, runningOf } from "../loops/run-activity.ts";
import {
  refuseSetup,
  SETUP_KEY,
  type SetupRecord,
  setupIn,
  standbyToSetUp,
  standsAgainst,
  storedSetup,
} from "./setup-record.ts";

/** How often it is looked whether a run has begun: it waits that long for its sites at most. */
const LOOK_FOR_RUNS_MS = 250;
const RETRY_MS = 2_000;
/** Without any progress for so long, a person has to look. */
const GIVE_UP_AFTER_MS = 600_000;

const NOT_BEGUN = {
  endedAtMs: null,
  status: "running",
  progress: null,
  trouble: null,
  hint: null,
  result: null,
} as const;

export interface SetupDeskPorts {
  readonly application: Pick<Application, "sites">;
  readonly clock: Clock;
  readonly random: Random;
  readonly roles: Pick<RoleStore, "read">;
  readonly runs: Pick<RunStore, "list">;
  readonly facts: FactStore;
  readonly audit: AuditLog;
  readonly replication: ReplicationSetup;
  /** Quarantined sites about whose own writes nobody has decided yet; never waits. */
  readonly undecided: () => readonly SiteId[];
  /** Told of every change but progress. */
  readonly changed: (record: SetupRecord) => void;
}

/** Plain JSON. */
export interface SetupPreview extends SetupForecast {
  readonly from: SiteId;
  readonly to: SiteId;
}

export interface SetupOrder {
  /** Default: the only site that is not active. */
  readonly to?: SiteId | undefined;
  readonly by: string;
  readonly reason: string;
}

export class SetupDesk {
  readonly #ports: SetupDeskPorts;
  #newest: SetupRecord | null = null;
  #lead: AbortSignal | null = null;
  #work: Promise<void> = Promise.resolve();
  /** One order at a time: two could both find that nothing runs. */
  #ordering: Promise<unknown> = Promise.resolve();

  constructor(ports: SetupDeskPorts) {
    this.#ports = ports;
  }

  /** The newest set-up with its progress; null if none was ever ordered. */
  get newest(): SetupRecord | null {
    return this.#newest;
  }

  /** Goes on with what an earlier leader left, and takes orders until `lead` aborts. */
  async run(lead: AbortSignal): Promise<void> {
    await this.#load(lead);
    if (!lead.aborted) {
      this.#lead = lead;
      if (this.#newest?.status === "running") this.#begin(this.#newest, lead);
      await new Promise<void>((resolve) => {
        lead.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    await this.#work;
  }

  /**
   * What setting up would meet and make now. Changes nothing.
   * @throws {CloudPhoenixError} `NOT_FOUND`, `BAD_REQUEST`, and as `ReplicationSetup.forecast`
   */
  async preview(to: SiteId | undefined, signal: AbortSignal): Promise<SetupPreview> {
    const { application, undecided, replication, roles } = this.#ports;
    const { active: from, generation } = await roles.read();
    const site = standbyToSetUp(application, { active: from }, to);
    const against = standsAgainst(site, {
      running: await this.#running(),
      undecided: undecided(),
    });
    const seen = await replication.forecast({ from, to: site, generation }, signal);
    return { ...seen, from, to: site, problems: [...against, ...seen.problems] };
  }

  /**
   * Begins to set up, or answers with the set-up of the same site that is under way.
   * @throws {CloudPhoenixError} `REPLICATION_PREFLIGHT` with every problem, `ALREADY_RUNNING`,
   *   `CONFLICT`, `NOT_LEADER`, and as `preview`
   */
  order(order: SetupOrder, signal: AbortSignal): Promise<SetupRecord> {
    const turn = this.#ordering.then(() => this.#order(order, signal));
    this.#ordering = turn.catch(() => undefined);
    return turn;
  }

  async #order({ to, by, reason }: SetupOrder, signal: AbortSignal): Promise<SetupRecord> {
    const lead = this.#lead;
    if (lead === null || lead.aborted) throw notLeading();
    const { application, facts, undecided, roles } = this.#ports;
    const { active: from, generation } = await roles.read();
    const site = standbyToSetUp(application, { active: from }, to);
    const against = standsAgainst(site, {
      running: await this.#running(),
      undecided: undecided(),
    });
    if (against.length > 0) refuseSetup(against);
    if (this.#newest?.status === "running") return takenUp(this.#newest, { from, to: site });
    const { problems } = await this.#ports.replication.forecast(
      { from, to: site, generation },
      signal,
    );
    if (problems.length > 0) refuseSetup(problems);
    const startedAtMs = this.#ports.clock.now();
    const about = { from, to: site, generation, by, reason };
    const record: SetupRecord = { ...NOT_BEGUN, ...about, id: this.#newId(), startedAtMs };
    await facts.put(SETUP_KEY, storedSetup(record));
    this.#begin(record, lead);
    return record;
  }

  #begin(record: SetupRecord, lead: AbortSignal): void {
    this.#put(record);
    this.#work = this.#carryOut(record, lead).catch((error: unknown) => {
      // Only an end of the lead gets here: the next leader finds the record and goes on.
      this.#put({ ...record, progress: this.#newest?.progress ?? null, trouble: messageOf(error) });
    });
  }

  async #carryOut(record: SetupRecord, lead: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    let giveUpAtMs = clock.now() + GIVE_UP_AFTER_MS;
    const onProgress = (progress: SetupProgress): void => {
      const before = this.#newest?.progress ?? null;
      if (!isSame(before, progress)) giveUpAtMs = clock.now() + GIVE_UP_AFTER_MS;
      this.#newest = { ...record, progress };
    };
    for (;;) {
      lead.throwIfAborted();
      try {
        const moved = await this.#givenUpBecause(record, lead);
        if (moved !== null) {
          return await this.#end(record, { status: "superseded", trouble: moved }, lead);
        }
        const result = await this.#attempt(record, onProgress, lead);
        if (result !== null) return await this.#end(record, { status: "done", result }, lead);
        // It gave way to a run, which may have taken long.
        giveUpAtMs = clock.now() + GIVE_UP_AFTER_MS;
      } catch (error) {
        lead.throwIfAborted();
        if (!mayPass(error) || clock.now() >= giveUpAtMs) {
          return await this.#end(record, { status: "failed", ...sayOf(error) }, lead);
        }
        this.#put({ ...record, progress: this.#newest?.progress ?? null, ...sayOf(error) });
        await clock.sleep(RETRY_MS, lead);
      }
    }
  }

  /** @returns null if a run came in between: it is over when the next attempt begins */
  async #attempt(
    record: SetupRecord,
    onProgress: (progress: SetupProgress) => void,
    lead: AbortSignal,
  ): Promise<SetupResult | null> {
    const { from, to, generation } = record;
    const over = new AbortController();
    const until = AbortSignal.any([lead, over.signal]);
    const seen: { run: RunningRun | null } = { run: null };
    const look = async (): Promise<void> => {
      seen.run = await this.#nextRun(until);
      over.abort();
    };
    const lookout = look();
    try {
      return await this.#ports.replication.setup({ from, to, generation, onProgress }, until);
    } catch (error) {
      if (seen.run === null) throw error;
      return null;
    } finally {
      over.abort();
      await lookout;
    }
  }

  /** Waits until a run is under way; null if `until` aborts first. */
  async #nextRun(until: AbortSignal): Promise<RunningRun | null> {
    while (!until.aborted) {
      const running = await this.#running().catch(() => null);
      if (running !== null) return running;
      await this.#ports.clock.sleep(LOOK_FOR_RUNS_MS, until).catch(() => undefined);
    }
    return null;
  }

  /** Waits for the end of a run, then looks whether the pair is still what was ordered. */
  async #givenUpBecause(record: SetupRecord, lead: AbortSignal): Promise<string | null> {
    const { clock, undecided, roles } = this.#ports;
    for (let run = await this.#running(); run !== null; run = await this.#running()) {
      const trouble = `waits for the end of run ${run.id} (${run.kind} to ${run.to})`;
      if (this.#newest?.trouble !== trouble) {
        this.#put({ ...record, progress: this.#newest?.progress ?? null, trouble });
      }
      await clock.sleep(LOOK_FOR_RUNS_MS, lead);
    }
    const { active } = await roles.read();
    if (active !== record.from) return `${active} is the active site now, not ${record.from}`;
    if (undecided().includes(record.to)) return `${record.to} is quarantined`;
    return null;
  }

  async #end(record: SetupRecord, end: Partial<SetupRecord>, lead: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    const progress = this.#newest?.progress ?? null;
    const ended = { ...record, progress, endedAtMs: clock.now(), ...end };
    this.#put(ended);
    // Somebody may have ordered another one meanwhile: that one is on record now.
    while (this.#newest === ended) {
      try {
        return await this.#record(ended);
      } catch {
        // Without a record the next leader does it again and finds it done.
        await clock.sleep(RETRY_MS, lead);
      }
    }
  }

  async #record(ended: SetupRecord): Promise<void> {
    const { id, by, from, to, status, trouble, reason } = ended;
    await this.#ports.facts.put(SETUP_KEY, storedSetup(ended));
    await this.#ports.audit.append({
      atMs: this.#ports.clock.now(),
      who: `operator:${by}`,
      what: "replication.setup",
      why: reason,
      detail: { setup: id, from, to, outcome: status, trouble },
    });
  }

  #put(record: SetupRecord): void {
    this.#newest = record;
    this.#ports.changed(record);
  }

  async #running(): Promise<RunningRun | null> {
    return runningOf(await this.#ports.runs.list(RUNS_READ));
  }

  /** The state database may be away for a moment just when this process begins to lead. */
  async #load(lead: AbortSignal): Promise<void> {
    while (!lead.aborted) {
      try {
        this.#newest = setupIn(await this.#ports.facts.get(SETUP_KEY));
        return;
      } catch {
        await this.#ports.clock.sleep(RETRY_MS, lead).catch(() => undefined);
      }
    }
  }

  #newId(): string {
    const { clock, random } = this.#ports;
    const chance = Math.floor(random.next() * 0x1_0000)
      .toString(16)
      .padStart(4, "0");
    return `setup-${clock.now().toString(36)}-${chance}`;
  }
}

function takenUp(
  record: SetupRecord,
  { from, to }: { readonly from: SiteId; readonly to: SiteId },
): SetupRecord {
  if (record.from === from && record.to === to) return record;
  throw new CloudPhoenixError(
    "ALREADY_RUNNING",
    `${record.to} is being set up to follow ${record.from} (by ${record.by})`,
    { retryable: true, hint: "Wait until it has ended: cloudphoenix replicate status." },
  );
}

function isSame(before: SetupProgress | null, now: SetupProgress): boolean {
  return (
    before !== null &&
    before.tables === now.tables &&
    before.tablesReady === now.tablesReady &&
    before.bytesCopying === now.bytesCopying
  );
}

function mayPass(error: unknown): boolean {
  return error instanceof CloudPhoenixError && error.retryable;
}

function sayOf(error: unknown): { readonly trouble: string; readonly hint: string | null } {
  const hint = error instanceof CloudPhoenixError ? (error.hint ?? null) : null;
  return { trouble: messageOf(error), hint };
}

function notLeading(): CloudPhoenixError {
  return new CloudPhoenixError("NOT_LEADER", "this controller does not lead", {
    retryable: true,
    hint: "Ask the controller that leads, or wait until this one does.",
  });
}
