/**
 * `npm run validate:observability`: alerts, their tests, their routes and their runbooks; dashboards;
 * the way of logs and traces; every metric. Without promtool or amtool their part is skipped by name;
 * under CI=true that is an error.
 */
import { parsedBoards, panelsOf } from "./board-file.ts";
import { readFiles } from "./files.ts";
import { askedIn } from "./metric-usage.ts";
import { missedMistakes, mistakes } from "./planted-mistakes.ts";
import { checkPolicies, policies } from "./policies.ts";
import {
  checkBoardsWithPromtool,
  checkWithAmtool,
  checkWithPromtool,
  mistakesToolsMiss,
  toolMistakes,
  versionOf,
} from "./tools.ts";

const files = readFiles();
const expressions = askedIn(files).filter(({ kind }) => kind !== "test");
const findings: string[] = [...checkPolicies(files), ...missedMistakes(files)];
const versions = await Promise.all([versionOf("promtool"), versionOf("amtool")]);
const [promtool, amtool] = versions;

if (promtool === null) {
  skipped("promtool not found: rules and expressions not checked, tests of alerts not run");
} else {
  findings.push(...(await checkWithPromtool()), ...(await checkBoardsWithPromtool(files)));
}
if (amtool === null) skipped("amtool not found: routes not checked");
else findings.push(...(await checkWithAmtool([...files.alerts, ...files.logAlerts])));
const both = promtool !== null && amtool !== null;
if (both) findings.push(...(await mistakesToolsMiss(files)));

for (const finding of findings) console.error(finding);
const planted = mistakes.length + (both ? toolMistakes : 0);
const boards = parsedBoards(files).map(({ board }) => board);
const panels = boards.flatMap((board) => panelsOf(board));
console.log(versions.filter((version) => version !== null).join("; "));
console.log(
  [
    `${files.metrics.length} metrics, ${files.alerts.length} alerts on them, ${files.logAlerts.length} on logs, ${files.tests.length} tests of alerts`,
    `${boards.length} dashboards, ${panels.length} panels, ${expressions.length} expressions, ${files.series.length} series in tests`,
    `${policies.length} policies, ${planted} planted mistakes: ${findings.length} findings`,
  ].join("\n"),
);
console.log(
  "not seen: a running Prometheus, Grafana, Loki, Alloy or Tempo, how a dashboard looks, and whether anybody is reached",
);
if (findings.length > 0) process.exitCode = 1;

function skipped(what: string): void {
  if (process.env["CI"] === "true") findings.push(what);
  else console.log(`skipped: ${what}`);
}
