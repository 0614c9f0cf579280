/** What is checked: rules, their tests, and runbooks. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** The folder `deploy/observability`. */
export const observabilityRoot: string = join(import.meta.dirname, "../..");

const runbooksRoot = join(observabilityRoot, "../../docs/runbooks");

/** An alert as its file has it; anything may be missing. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ObservabilityFiles {
  readonly alerts: readonly AlertRule[];
  /** Names of the tests of alerts. */
  readonly tests: readonly string[];
  /** Text by file name. */
  readonly runbooks: Readonly<Record<string, string>>;
}

/** @throws {Error} if a file is missing or is no YAML */
export function readFiles(): ObservabilityFiles {
  const { groups }: { groups: { rules: AlertRule[] }[] } = yamlOf("prometheus/alerts.yaml");
  const { tests }: { tests: { name: string }[] } = yamlOf("prometheus/alerts.test.yaml");
  const names = readdirSync(runbooksRoot);
  return {
    alerts: groups.flatMap(({ rules }) => rules),
    tests: tests.map(({ name }) => name),
    runbooks: Object.fromEntries(
      names.map((name) => [name, readFileSync(join(runbooksRoot, name), "utf8")]),
    ),
  };
}

/** Whatever the file holds: who reads it says of which shape it must be. */
function yamlOf(file: string): ReturnType<typeof parse> {
  return parse(readFileSync(join(observabilityRoot, file), "utf8"));
}
