/**
 * `npm run validate:observability`: alerts, their tests, their routes and their runbooks. Without
 * promtool or amtool its part is skipped by name; under CI=true that is an error.
 */
import { readFiles } from "./files.ts";
import { missedMistakes, mistakes } from "./planted-mistakes.ts";
import { checkPolicies, policies } from "./policies.ts";
import {
  checkWithAmtool,
  checkWithPromtool,
  mistakesToolsMiss,
  toolMistakes,
  versionOf,
} from "./tools.ts";

const files = readFiles();
const findings: string[] = [...checkPolicies(files), ...missedMistakes(files)];
const versions = await Promise.all([versionOf("promtool"), versionOf("amtool")]);
const [promtool, amtool] = versions;

if (promtool === null) skipped("promtool not found: rules not checked, their tests not run");
else findings.push(...(await checkWithPromtool()));
if (amtool === null) skipped("amtool not found: routes not checked");
else findings.push(...(await checkWithAmtool()));
const both = promtool !== null && amtool !== null;
if (both) findings.push(...(await mistakesToolsMiss()));

for (const finding of findings) console.error(finding);
const planted = mistakes.length + (both ? toolMistakes : 0);
console.log(versions.filter((version) => version !== null).join("; "));
console.log(
  `${files.alerts.length} alerts, ${files.tests.length} tests of alerts, ${policies.length} policies, ${planted} planted mistakes: ${findings.length} findings`,
);
console.log("not seen: a running Prometheus, and whether anybody is reached");
if (findings.length > 0) process.exitCode = 1;

function skipped(what: string): void {
  if (process.env["CI"] === "true") findings.push(what);
  else console.log(`skipped: ${what}`);
}
