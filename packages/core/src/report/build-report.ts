/** The report of a run, read from its record alone. */

import { fenceDegreeIn, fenceProofsIn } from "../fence.ts";
import { field, isList } from "../json-field.ts";
import type { StepKind } from "../plan.ts";
import type {
  ComparisonReport,
  LossBound,
  ObjectsReport,
  RejoinReport,
  ReportStep,
  RunReport,
} from "../report.ts";
import type { Json, RunRecord, StepRecord } from "../run.ts";

/**
 * Builds the report of `run`, finished or not. What a step found is read from its journaled
 * result; a result of another shape (an older version wrote it) counts as not known, because a
 * report with a gap is better than none.
 */
export function buildReport(run: RunRecord): RunReport {
  const { plan } = run;
  return {
    run: run.id,
    kind: plan.kind,
    status: run.status,
    application: plan.application,
    generation: plan.generation,
    from: plan.from,
    to: plan.to,
    startedAtMs: run.startedAtMs,
    endedAtMs: run.endedAtMs,
    durationMs: run.endedAtMs === null ? null : Math.max(0, run.endedAtMs - run.startedAtMs),
    fence: fenceOf(resultOf(run, "fence-site")),
    loss: lossOf(resultOf(run, "measure-loss")),
    writePauseMs: writePause(run),
    objects: objectsOf(run),
    rejoin: rejoinOf(resultOf(run, "rejoin-site")),
    comparison: comparisonOf(run),
    steps: plan.steps.map((step) =>
      stepOf(
        step,
        run.steps.find((record) => record.id === step.id),
      ),
    ),
  };
}

function stepOf(
  { id, title }: { readonly id: string; readonly title: string },
  record: StepRecord | undefined,
): ReportStep {
  const startedAtMs = record?.startedAtMs ?? null;
  const endedAtMs = record?.endedAtMs ?? null;
  return {
    id,
    title,
    status: record?.status ?? "pending",
    attempts: record?.attempts ?? 0,
    startedAtMs,
    durationMs:
      startedAtMs === null || endedAtMs === null ? null : Math.max(0, endedAtMs - startedAtMs),
  };
}

function resultOf(run: RunRecord, kind: StepKind): Json {
  return recordOf(run, kind)?.result ?? null;
}

function recordOf(run: RunRecord, kind: StepKind): StepRecord | undefined {
  const step = run.plan.steps.find((one) => one.action.kind === kind);
  return run.steps.find((record) => record.id === step?.id);
}

/** Only where both sites are alive is there a writer whose last write could have been seen. */
function writePause(run: RunRecord): number | null {
  if (run.plan.kind !== "switchover" && run.plan.kind !== "failback") return null;
  const fencingSinceMs = recordOf(run, "fence-site")?.startedAtMs ?? null;
  const opened = recordOf(run, "open-writes");
  if (opened?.status !== "done" || fencingSinceMs === null || opened.endedAtMs === null)
    return null;
  return Math.max(0, opened.endedAtMs - fencingSinceMs);
}

function objectsOf(run: RunRecord): ObjectsReport | null {
  const result = resultOf(run, "settle-objects");
  const copied = numberOf(field(result, "copied"));
  const referenced = numberOf(field(result, "referenced"));
  const missing = numberOf(field(result, "missing"));
  if (copied === null || referenced === null || missing === null) return null;
  const keys = field(result, "missingKeys");
  return {
    boundMs: numberOf(field(resultOf(run, "measure-loss"), "objectsBoundMs")),
    needPerson:
      numberOf(field(resultOf(run, "measure-loss"), "objectsNeedPerson")) ??
      numberOf(field(resultOf(run, "drain-objects"), "needPerson")),
    copied,
    left: numberOf(field(result, "left")),
    referenced,
    // An older version knew no limit.
    allRows: field(result, "allRows") !== false,
    missing,
    missingKeys: isList(keys) ? keys.flatMap((key) => textOf(key) ?? []) : [],
    detail: textOf(field(result, "detail")),
  };
}

function rejoinOf(result: Json): RejoinReport | null {
  const site = textOf(field(result, "site"));
  const deleted = numberOf(field(result, "deleted"));
  const restored = numberOf(field(result, "restored"));
  const tables = field(result, "fullCopyTables");
  if (site === null || deleted === null || restored === null) return null;
  const fullCopyTables = isList(tables) ? tables.flatMap((table) => textOf(table) ?? []) : [];
  return { site, deleted, restored, fullCopyTables };
}

/** The last one that was made: a failback compares before it moves and again at its end. */
function comparisonOf(run: RunRecord): ComparisonReport | null {
  const compared = run.plan.steps
    .filter((step) => step.action.kind === "compare-sites")
    .flatMap((step) => run.steps.find((record) => record.id === step.id)?.result ?? [])
    .at(-1);
  if (compared === undefined) return null;
  const equal = field(compared, "equal");
  const lsn = textOf(field(compared, "lsn"));
  const tables = numberOf(field(compared, "tables"));
  const rows = numberOf(field(compared, "rows"));
  if (typeof equal !== "boolean" || lsn === null || tables === null || rows === null) return null;
  return { equal, lsn, tables, rows };
}

function fenceOf(result: Json): RunReport["fence"] {
  const degree = fenceDegreeIn(result);
  if (degree === null || !isList(field(result, "proofs"))) return null;
  return { degree, proofs: fenceProofsIn(result) };
}

/** A bound without any of its fields is no bound, but a bound may have gaps. */
function lossOf(result: Json): LossBound | null {
  const loss: LossBound = {
    completeUntilMs: numberOf(field(result, "completeUntilMs")),
    lastAliveAtMs: numberOf(field(result, "lastAliveAtMs")),
    boundMs: numberOf(field(result, "boundMs")),
    boundBytes: textOf(field(result, "boundBytes")),
    appliedLsn: textOf(field(result, "appliedLsn")),
  };
  return Object.values(loss).every((value) => value === null) ? null : loss;
}

function textOf(value: Json): string | null {
  return typeof value === "string" ? value : null;
}

function numberOf(value: Json): number | null {
  return typeof value === "number" ? value : null;
}
