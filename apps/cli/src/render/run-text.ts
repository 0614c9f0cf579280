/** A run as an operator reads it: what happened, what it waits for, what to type next. */
import {
  type RunEvent,
  type RunRecord,
  type RunReport,
  type StepRecord,
  unreachable,
} from "@cloudphoenix/core";
import type { Terminal } from "../terminal.ts";
import { clockText, durationText } from "./duration-text.ts";
import { textTable } from "./text-table.ts";

export interface RunView {
  readonly run: RunRecord;
  readonly events: readonly RunEvent[];
  readonly report: RunReport | null;
  /** When the decision first saw enough; null if a person asked for the run. */
  readonly detectedAtMs: number | null;
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
      return stepLines(step.title, record, paint);
    }),
  ];
  if (run.waitingFor !== null) lines.push("", `Waiting for: ${run.waitingFor}`);
  return [...lines, ...nextCommands(run)].join("\n");
}

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

function stepLines(title: string, record: StepRecord | undefined, paint: Paint): readonly string[] {
  const status = record?.status ?? "pending";
  const took =
    record?.startedAtMs != null && record.endedAtMs !== null
      ? `  ${paint.dim(durationText(record.endedAtMs - record.startedAtMs))}`
      : "";
  const tries = (record?.attempts ?? 0) > 1 ? `  ${record?.attempts} attempts` : "";
  const first = `  ${MARKS[status]} ${title}${took}${tries}`;
  const notes = [
    ...(record?.error == null ? [] : [`${record.error.code}: ${record.error.message}`]),
    ...(record?.error?.hint == null ? [] : [`→ ${record.error.hint}`]),
    ...(record?.skipped == null
      ? []
      : [`skipped by ${record.skipped.by}: ${record.skipped.reason}`]),
  ];
  return [first, ...notes.map((note) => `      ${note}`)];
}

const MARKS: Readonly<Record<StepRecord["status"], string>> = {
  pending: "·",
  running: "▸",
  done: "✓",
  failed: "✗",
  skipped: "↷",
  undone: "↺",
  "undo-failed": "✗",
};

function nextCommands(run: RunRecord): readonly string[] {
  const failed = run.steps.find((step) => step.status === "failed")?.id ?? "<step>";
  const next: Readonly<Partial<Record<RunRecord["status"], readonly string[]>>> = {
    "waiting-approval": [`run approve ${run.id}`, `run cancel ${run.id} --reason "…"`],
    paused: [`run resume ${run.id}`, `run cancel ${run.id} --reason "…"`],
    "needs-attention": [
      `run retry ${run.id} ${failed}`,
      `run skip ${run.id} ${failed} --reason "…"`,
      `run cancel ${run.id} --reason "…"`,
    ],
  };
  const commands = next[run.status] ?? [];
  if (commands.length === 0) return [];
  return ["", "Next:", ...commands.map((command) => `  cloudphoenix ${command}`)];
}
