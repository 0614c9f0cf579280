/** Types of the report of a run. Built by `build-report.ts`. */

import type { FenceDegree, FenceProof } from "./fence.ts";
import type { PlanKind } from "./plan.ts";
import type { RunStatus } from "./run.ts";
import type { SiteId } from "./topology.ts";

/**
 * Recovery time split by what it was spent on, in milliseconds; the parts add up to `total`.
 * `detect`: fault to the first decision that saw enough. `decide`: to the start of the run
 * (hysteresis and approvals). `fence`: to the end of fencing. `recover`: to a verified target.
 * `switch`: to switched traffic and open writes. `converge`: to the first write a client got
 * acknowledged on the new site.
 */
export interface RtoPhases {
  readonly detect: number;
  readonly decide: number;
  readonly fence: number;
  readonly recover: number;
  readonly switch: number;
  readonly converge: number;
  readonly total: number;
}

/** What is known at the moment of promotion, when the old primary cannot be asked. */
export interface LossBound {
  /** No commit older than this is missing, epoch ms on the controller's clock; null if unknown. */
  readonly completeUntilMs: number | null;
  /** The active site was last known alive at this time; null if never. */
  readonly lastAliveAtMs: number | null;
  /** Upper bound of the loss in time; null if unknown. */
  readonly boundMs: number | null;
  /** WAL known to exist at the old primary that the standby did not apply; null if unknown. */
  readonly boundBytes: string | null;
  /** Last position of the old primary that the standby has applied, as `X/Y`. */
  readonly appliedLsn: string | null;
  /** Transactions that would be missing, where the old primary was read behind its fence. */
  readonly transactions?: number;
}

/** Exactly what was lost, read later from the old primary's own log. */
export interface LossReport {
  /** Transactions that committed at the old primary and never reached the standby. */
  readonly transactions: number;
  /** Their rows, per table. */
  readonly rowsByTable: Readonly<Record<string, number>>;
  /** Keys of the rows inserted by them, per table, as text; bounded, see `truncated`. */
  readonly keysByTable: Readonly<Record<string, readonly string[]>>;
  readonly truncated: boolean;
  /** Commit time of the last transaction applied and the last lost one; null if none. */
  readonly rpoMs: number;
}

export interface RunReport {
  readonly run: string;
  readonly kind: PlanKind;
  readonly status: RunStatus;
  readonly application: string;
  readonly generation: number;
  readonly from: SiteId;
  readonly to: SiteId;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly durationMs: number | null;
  readonly fence: { readonly degree: FenceDegree; readonly proofs: readonly FenceProof[] } | null;
  readonly loss: LossBound | null;
  /**
   * Planned moves: from the moment the old site began to be fenced to the moment the new one was
   * open, as the controller saw it: an upper bound of the time in which nobody could write. Null
   * for other plans, and until writes are open.
   */
  readonly writePauseMs: number | null;
  /** What became of the objects; null where there are none, or before they were settled. */
  readonly objects: ObjectsReport | null;
  /** How the former writer came to follow again; null if it did not. */
  readonly rejoin: RejoinReport | null;
  /** The newest comparison of both sites; null if there was none. */
  readonly comparison: ComparisonReport | null;
  readonly steps: readonly ReportStep[];
}

/** What the new site has of the objects of the site that was left. */
export interface ObjectsReport {
  /** Upper bound of the loss in time at the moment of the promotion; null if unknown. */
  readonly boundMs: number | null;
  /** Not copied when the old site was left, and not until a person acts; null if that is not known. */
  readonly needPerson: number | null;
  /** Copied after the move had opened. */
  readonly copied: number;
  /** Known to be missing still; null if the old site's store could not be asked. */
  readonly left: number | null;
  /** Rows looked at that say their object is stored. */
  readonly referenced: number;
  /** Whether these are all of them; otherwise there was no time for the others. */
  readonly allRows: boolean;
  /** Rows among them whose object is not at the new site. */
  readonly missing: number;
  /** Keys of the first of these; bounded. */
  readonly missingKeys: readonly string[];
  /** What was copied and found, and why not more, in one sentence; null if that is not known. */
  readonly detail: string | null;
}

/** What the key-wise repair of a returned site changed. */
export interface RejoinReport {
  readonly site: SiteId;
  readonly deleted: number;
  readonly restored: number;
  /** Tables that had to be copied whole. */
  readonly fullCopyTables: readonly string[];
}

/** Whether both sites held the same rows at one position of the writer's log. */
export interface ComparisonReport {
  readonly equal: boolean;
  readonly lsn: string;
  readonly tables: number;
  readonly rows: number;
}

export interface ReportStep {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly attempts: number;
  readonly startedAtMs: number | null;
  readonly durationMs: number | null;
}
