/** A run as an operator reads it: what happened, what it waits for, what to type next. */
import {
  type LossReport,
  type PlanStep,
  type RunEvent,
  type RunRecord,
  type RunReport,
  type StepRecord,
  unreachable,
} from "@cloudphoenix/core";
import type { Terminal } from "../terminal.ts";
import { clockText, durationText } from "./duration-text.ts";
import { nextCommands } from "./next-commands.ts";
import { textTable } from "./text-table.ts";

export interface RunView {
  readonly run: RunRecord;
  readonly events: readonly RunEvent[];
  readonly report: RunReport | null;
  /** When the decision first saw enough; null if a person asked for the run. */
  readonly detectedAtMs: number | null;
  /** Read from the old primary after it returned; null until then. */
  readonly loss: LossReport | null;
}

type Paint = Terminal["paint"];

/** One line per run, newest first. */
export function runListText(runs: readonly RunRecord[]): string {
  if (runs.length === 0) return "No runs yet.";
  const rows = runs.map((run) => [
    run.id,
    run.plan.kind,
    `${run.plan.from} → ${run.plan.to}`,
    run.status,
    new Date(run.startedAtMs).toISOString(),
    run.endedAtMs === null ? "" : durationText(run.endedAtMs - run.startedAtMs),
    run.startedBy,
  ]);
  return textTable(["RUN", "KIND", "SITES", "STATUS", "STARTED", "TOOK", "BY"], rows).join("\n");
}

/** Everything about one run. */
export function runText(view: RunView, paint: Paint): string {
  const { run } = view;
  const lines = [
    `Run ${run.id}: ${run.plan.kind} ${run.plan.from} → ${run.plan.to}, generation ${run.plan.generation}`,
    `${statusWord(run, paint)} · started ${new Date(run.startedAtMs).toISOString()} by ${run.startedBy}`,
    `Why: ${run.plan.reason}`,
    "",
    ...run.plan.steps.flatMap((step) => {
      const record = run.steps.find((candidate) => candidate.id === step.id);
      return stepLines(view, { step, record }, paint);
    }),
  ];
  lines.push(...proofLines(view));
  if (run.waitingFor !== null) lines.push("", waitingText(run));
  return [...lines, ...refusalLines(view), ...nextCommands(run)].join("\n");
}

/** What a run waits for, with the number of its question if it asks one. */
export function waitingText({
  question,
  waitingFor,
}: Pick<RunRecord, "question" | "waitingFor">): string {
  return question === null ? `Waiting for: ${waitingFor}` : `Question ${question}: ${waitingFor}`;
}

/**
 * The last order that changed nothing: whoever gave it reads here that it was not obeyed. Old news
 * once a later order was taken, or the run has ended.
 */
function refusalLines({ run, events }: RunView): readonly string[] {
  if (run.endedAtMs !== null) return [];
  const last = events.findLast(({ kind }) => kind === "refused" || TAKES_AN_ORDER.includes(kind));
  if (last?.kind !== "refused") return [];
  return ["", `Not obeyed, ${clockText(last.atMs)}: ${last.text}`];
}

const TAKES_AN_ORDER: readonly RunEvent["kind"][] = [
  "approved",
  "resumed",
  "cancel-asked",
  "step-skipped",
];

/** How surely the old writer was stopped, and what was or may be lost. */
function proofLines({ report, loss, run }: RunView): readonly string[] {
  const fence = report?.fence ?? null;
  const bound = report?.loss ?? null;
  return [
    ...(fence === null ? [] : ["", `Fence: ${fence.degree}`]),
    ...(fence?.proofs ?? []).map((proof) => `  ${proof.means}: ${proof.degree}, ${proof.detail}`),
    ...(bound === null
      ? []
      : [`Loss when it was promoted: at most ${durationText(bound.boundMs)}`]),
    ...(loss === null
      ? bound === null || run.status !== "completed"
        ? []
        : [`  exactly, once ${run.plan.from} is back: cloudphoenix run loss ${run.id}`]
      : lossLines(loss)),
    ...returnLines(report),
  ];
}

/** What a planned move and the return of a site were measured by. */
function returnLines(report: RunView["report"]): readonly string[] {
  const { writePauseMs = null, rejoin = null, comparison = null } = report ?? {};
  const copied = rejoin?.fullCopyTables.join(", ") ?? "";
  return [
    ...(writePauseMs === null
      ? []
      : ["", `Write pause: at most ${durationText(writePauseMs)}, from fence to open writes`]),
    ...(rejoin === null
      ? []
      : [
          `Rejoined: ${rejoin.site}, ${rejoin.deleted} rows deleted, ${rejoin.restored} restored${copied === "" ? "" : `, copied whole: ${copied}`}`,
        ]),
    ...(comparison === null
      ? []
      : [
          `Compared: ${comparison.rows} rows in ${comparison.tables} tables at ${comparison.lsn}, ${comparison.equal ? "equal" : "NOT equal"}`,
        ]),
  ];
}

/** The exact loss: how much, in which tables, which rows. */
export function lossLines(loss: LossReport): readonly string[] {
  if (loss.transactions === 0) return ["Lost: nothing. The log of the old primary holds no more."];
  const tables = Object.entries(loss.rowsByTable).map(([table, rows]) => {
    const keys = loss.keysByTable[table] ?? [];
    const shown = keys.slice(0, KEYS_SHOWN_MAX).join(", ");
    const more = keys.length > KEYS_SHOWN_MAX || loss.truncated ? ", …" : "";
    return `  ${table}: ${rows} rows${shown === "" ? "" : ` (keys ${shown}${more})`}`;
  });
  return [
    `Lost: ${loss.transactions} transactions, ${durationText(loss.rpoMs)} of commits that never arrived`,
    ...tables,
  ];
}

const KEYS_SHOWN_MAX = 10;

/** The journal of a run, one line per event. */
export function eventLines(events: readonly RunEvent[]): readonly string[] {
  return events.map((event) => `${clockText(event.atMs)}  ${event.kind.padEnd(14)}  ${event.text}`);
}

function statusWord(run: RunRecord, paint: Paint): string {
  switch (run.status) {
    case "completed":
      return paint.green("completed");
    case "failed":
    case "stuck":
      return paint.red(run.status);
    case "running":
    case "undone":
    case "superseded":
      return run.status;
    case "waiting-approval":
    case "paused":
    case "needs-attention":
      return paint.yellow(run.status);
    default:
      return unreachable(run.status);
  }
}

interface ShownStep {
  readonly step: PlanStep;
  readonly record: StepRecord | undefined;
}

function stepLines(view: RunView, { step, record }: ShownStep, paint: Paint): readonly string[] {
  const status = record?.status ?? "pending";
  const took =
    record?.startedAtMs != null && record.endedAtMs !== null
      ? `  ${paint.dim(durationText(record.endedAtMs - record.startedAtMs))}`
      : tryText(view, step, record);
  const tries = (record?.attempts ?? 0) > 1 ? `  ${record?.attempts} attempts` : "";
  const first = `  ${MARKS[status]} ${step.title}${took}${tries}`;
  const notes = [
    ...(record?.error == null ? [] : [`${record.error.code}: ${record.error.message}`]),
    ...(record?.error?.hint == null ? [] : [`→ ${record.error.hint}`]),
    ...(record?.skipped == null
      ? []
      : [`skipped by ${record.skipped.by}: ${record.skipped.reason}`]),
  ];
  return [first, ...notes.map((note) => `      ${note}`)];
}

/** Since when the try in flight lasts, and how long it may. A run that waits for people has none. */
function tryText({ run, events }: RunView, step: PlanStep, record?: StepRecord): string {
  if (run.status !== "running" || record?.status !== "running") return "";
  const begun = events.findLast(
    (event) => event.step === step.id && BEGINS_A_TRY.includes(event.kind),
  );
  const sinceMs = begun?.atMs ?? record.startedAtMs;
  const limit = `limit ${durationText(step.timeoutMs)}`;
  return sinceMs === null ? `, ${limit}` : `, this try since ${clockText(sinceMs)}, ${limit}`;
}

const BEGINS_A_TRY: readonly RunEvent["kind"][] = ["step-started", "step-retried"];

const MARKS: Readonly<Record<StepRecord["status"], string>> = {
  pending: "·",
  running: "▸",
  done: "✓",
  failed: "✗",
  skipped: "↷",
  undone: "↺",
  "undo-failed": "✗",
};
