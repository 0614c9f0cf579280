/** The report of the whole circle for people. */
import type { FailbackReport } from "../demo/failback-report.ts";
import type { Terminal } from "../terminal.ts";
import { durationText } from "./duration-text.ts";
import { ordersLine, verdictLines } from "./verdict-lines.ts";

/** The way there and back in numbers, then every promise with what was measured. */
export function failbackReportText(report: FailbackReport, paint: Terminal["paint"]): string {
  const { runs } = report;
  return [
    "",
    paint.bold(
      `Report: ${report.fault} at ${report.home}, there and back, ${report.durability} replication`,
    ),
    "",
    ...Object.entries(runs).map(
      ([name, run]) =>
        `${name.padEnd(16)} ${run.status} in ${durationText(run.duration_ms)} (${run.id})`,
    ),
    `Lost             ${report.writes_lost_by_failover} acknowledged writes by the failover, ${report.writes_salvaged} orders salvaged, ${report.writes_lost_at_the_end} missing at the end`,
    `Repair           ${report.rows_deleted ?? "?"} rows deleted, ${report.rows_restored ?? "?"} restored, ${report.rows_compared ?? "?"} compared`,
    `Write pause      ${durationText(report.write_pause_ms)} for clients, ${durationText(report.write_pause_controller_ms)} from fence to open writes`,
    ordersLine(report),
    ...objectLines(report),
    `Writes           ${report.writes_acknowledged} acknowledged, ${report.writes_given_up} given up by the clients`,
    "",
    ...verdictLines(report, paint),
  ].join("\n");
}

function objectLines(report: FailbackReport): readonly string[] {
  if (report.objects_acknowledged === null) return [];
  const { objects_only_at_home: alone, objects_behind_ms: behindMs } = report;
  const behind = behindMs === null ? "an unknown time" : durationText(behindMs);
  return [
    `Objects          ${report.objects_acknowledged} acknowledged, ${report.objects_present} present, ${report.objects_missing} missing, ${report.objects_late} late at home`,
    `                 ${alone ?? "?"} only at the returned site, listed; the copy home was ${behind} behind`,
  ];
}
