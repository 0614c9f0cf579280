/**
 * Writes the dashboards: `npm run dashboards [-- <base URL of the runbooks> [<folder>]]`.
 * Without arguments it renews the files in `grafana/dashboards`, whose runbooks are an example.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { boardFiles, EXAMPLE_RUNBOOKS } from "./boards.ts";

const [runbooks = EXAMPLE_RUNBOOKS, folder = join(import.meta.dirname, "../dashboards")] =
  process.argv.slice(2);
if (!URL.canParse(runbooks) || !/^https?:/.test(runbooks)) {
  console.error(`${runbooks} is no web address: give the base URL of your runbooks first`);
  process.exitCode = 2;
} else {
  mkdirSync(folder, { recursive: true });
  const files = Object.entries(boardFiles(runbooks.replace(/\/$/, "")));
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  console.log(`wrote ${files.length} dashboards to ${folder}`);
}
