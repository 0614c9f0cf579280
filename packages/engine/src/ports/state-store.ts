/** What must outlive every process: who is active, what runs did, what was decided. */
import type {
  Approval,
  Json,
  Plan,
  Roles,
  RunEvent,
  RunRecord,
  RunStatus,
  SiteId,
  StepRecord,
} from "@cloudphoenix/core";

export interface RoleStore {
  read(): Promise<Roles>;
  /**
   * Claims `generation` for a run, in one step, if the stored generation is `generation - 1` and
   * the stored active site is `active`: a move is settled within its generation, so a plan made
   * before that names the next one rightly and leaves the wrong site.
   * Claiming again for the same run is success, also after it has settled.
   * @throws {CloudPhoenixError} `STALE_GENERATION` otherwise
   */
  claim(runId: string, generation: number, active: SiteId): Promise<Roles>;
  /** Records the outcome of a move. @throws {CloudPhoenixError} `STALE_GENERATION` */
  settle(
    generation: number,
    outcome: { readonly active: string; readonly protected: boolean },
  ): Promise<Roles>;
}

/** What a run says of itself. */
export interface RunStatusChange {
  readonly status: RunStatus;
  readonly waitingFor: string | null;
  /** Number of the question it waits for; null while it asks nothing. */
  readonly question: number | null;
  readonly endedAtMs: number | null;
  /** Rises with everything a run says. */
  readonly order: number;
}

/**
 * Runs and their journal. Writes are idempotent: the same step or event key again is harmless.
 *
 * A write can be thought lost, be repeated and still arrive later, and a stale executor may still
 * talk. So statuses and step records carry an order: what is older than what is stored changes
 * nothing; of the same order the one that arrives last is kept.
 */
export interface RunStore {
  create(run: {
    readonly plan: Plan;
    readonly startedBy: string;
    readonly atMs: number;
  }): Promise<void>;
  setStatus(runId: string, change: RunStatusChange): Promise<void>;
  /** `order` rises with everything that is said of this step; every step has an order of its own. */
  putStep(runId: string, step: StepRecord, order: number): Promise<void>;
  addApproval(runId: string, approval: Approval): Promise<void>;
  addEvent(event: RunEvent): Promise<void>;
  get(runId: string): Promise<RunRecord | null>;
  /** Newest first. */
  list(limit: number): Promise<readonly RunRecord[]>;
  events(runId: string): Promise<readonly RunEvent[]>;
}

/** Facts kept across restarts for reports and audit, by key. */
export interface FactStore {
  put(key: string, value: Json): Promise<void>;
  get(key: string): Promise<Json>;
}

/** Append-only record of who did what. Never holds a secret. */
export interface AuditLog {
  append(entry: {
    readonly atMs: number;
    readonly who: string;
    readonly what: string;
    readonly why: string;
    readonly detail: Json;
  }): Promise<void>;
}
