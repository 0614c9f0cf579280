/** The report of the main job for people. */
import type { DemoReport } from "../demo/demo-report.ts";
import type { Terminal } from "../terminal.ts";
import { durationText } from "./duration-text.ts";
import { ordersLine, verdictLines } from "./verdict-lines.ts";

const BAR_WIDTH = 40;

/** Phases as bars, then losses, then every promise with what was measured. */
export function demoReportText(report: DemoReport, paint: Terminal["paint"]): string {
  return [
    "",
    paint.bold(`Report: ${report.fault} at ${report.from}, ${report.durability} replication`),
    "",
    ...phaseLines(report),
    "",
    `Recovery point   ${report.rpo_ms === null ? "unknown" : durationText(report.rpo_ms)} of acknowledged work`,
    `Writes           ${report.writes_acknowledged} acknowledged, ${report.writes_lost} lost, ${report.writes_given_up} given up by the client`,
    `${ordersLine(report)}${repeatedText(report)}`,
    ...objectLines(report),
    `Requests         ${report.requests_failed} attempts failed and were retried by the client`,
    ...lossLines(report),
    "",
    ...verdictLines(report, paint),
  ].join("\n");
}

function phaseLines(report: DemoReport): readonly string[] {
  const phases = report.rto_ms;
  if (phases === null) return ["Recovery time    the application did not come back"];
  const { total, ...parts } = phases;
  let before = 0;
  const bars = Object.entries(parts).map(([name, ms]) => {
    const start = Math.round((before / total) * BAR_WIDTH);
    before += ms;
    const end = Math.max(Math.round((before / total) * BAR_WIDTH), start + (ms > 0 ? 1 : 0));
    const bar = `${" ".repeat(start)}${"█".repeat(end - start)}`.padEnd(BAR_WIDTH + 1);
    return `  ${name.padEnd(14)} ${bar} ${durationText(ms)}`;
  });
  return [
    `Recovery time    ${durationText(total)} from the fault to the first acknowledged write`,
    ...bars,
  ];
}

function lossLines(report: DemoReport): readonly string[] {
  const loss = report.loss_report;
  if (loss === null) return ["Loss report      the old primary could not be read"];
  const rows = Object.entries(loss.rowsByTable)
    .map(([table, count]) => `${count} in ${table}`)
    .join(", ");
  const keys = report.writes_lost_keys.slice(0, 5).join(", ");
  return [
    `Loss report      ${loss.transactions} transactions in the old primary's log never arrived${rows === "" ? "" : ` (rows: ${rows})`}`,
    ...(keys === ""
      ? []
      : [
          `                 lost: ${keys}${report.writes_lost > 5 ? `, … (${report.writes_lost})` : ""}`,
        ]),
  ];
}

function objectLines(report: DemoReport): readonly string[] {
  const { objects_acknowledged: acknowledged, objects_rpo_ms: rpoMs } = report;
  if (acknowledged === null) return [];
  const behind = rpoMs === null ? "an unknown time" : durationText(rpoMs);
  return [
    `Objects          ${acknowledged} acknowledged, ${report.objects_present} present, ${report.objects_missing} missing, ${report.objects_late} late; the copy was at most ${behind} behind`,
  ];
}

/** Work done at the old site that the new one could not know of. */
function repeatedText({ fulfilments_repeated: repeated }: DemoReport): string {
  return repeated === null || repeated === 0 ? "" : `; ${repeated} fulfilled at both sites`;
}
