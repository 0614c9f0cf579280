/** What is checked, as it lies in the repository. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type ExportedMetric, exportedMetrics } from "./exported-metrics.ts";

/** The folder `deploy/observability`. */
export const observabilityRoot: string = join(import.meta.dirname, "../..");

const runbooksRoot = join(observabilityRoot, "../../docs/runbooks");

/** Text by file name. */
type Texts = Readonly<Record<string, string>>;

/** An alert as its file has it; anything may be missing. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A recording rule. */
interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** A data source of Grafana as its file has it. */
export interface DataSource {
  readonly uid: string;
  readonly type: string;
  readonly jsonData?: unknown;
}

/** The part of Alertmanager's configuration that is looked at. */
export interface Alertmanager {
  readonly route: Route;
  readonly receivers: readonly Readonly<Record<string, unknown>>[];
}

/** A way alerts take. */
export interface Route {
  readonly receiver: string;
  readonly matchers?: readonly string[];
  readonly routes?: readonly Route[];
}

export interface ObservabilityFiles {
  /** On metrics. */
  readonly alerts: readonly AlertRule[];
  readonly recordings: readonly RecordingRule[];
  /** On logs. */
  readonly logAlerts: readonly AlertRule[];
  /** Names of the tests of alerts. */
  readonly tests: readonly string[];
  /** What those tests make up. */
  readonly series: readonly MadeUpSeries[];
  readonly runbooks: Texts;
  /** The guide, whose queries people type. */
  readonly guide: string;
  /** Dashboards. */
  readonly boards: Texts;
  readonly alertmanager: Alertmanager;
  readonly dataSources: readonly DataSource[];
  readonly alloy: string;
  readonly loki: LokiConfiguration;
  readonly metrics: readonly ExportedMetric[];
}

/** A series that a test of an alert begins with. */
interface MadeUpSeries {
  readonly test: string;
  /** As a selector. */
  readonly series: string;
}

/** The part of Loki's configuration that is looked at. */
export interface LokiConfiguration {
  readonly [section: string]: Readonly<Record<string, unknown>> | undefined;
}

/** @throws {Error} if a file is missing or is no YAML */
export function readFiles(): ObservabilityFiles {
  const alertmanager: Alertmanager = yamlOf("alertmanager/alertmanager.yaml");
  const loki: LokiConfiguration = yamlOf("loki/loki.yaml");
  const tests = testFiles().flatMap((file): readonly AlertTest[] => yamlOf(file).tests);
  const { datasources }: { datasources: DataSource[] } = yamlOf(
    "grafana/provisioning/datasources/datasources.yaml",
  );
  return {
    alerts: rulesOf("prometheus/alerts.yaml"),
    recordings: rulesOf("prometheus/recording-rules.yaml"),
    logAlerts: rulesOf("loki/rules/cloudphoenix/alerts.yaml"),
    tests: tests.map(({ name }) => name),
    series: tests.flatMap(({ name, input_series: made }) =>
      (made ?? []).map(({ series }) => ({ test: name, series })),
    ),
    runbooks: textsOf(runbooksRoot),
    guide: readFileSync(join(runbooksRoot, "../guides/observability.md"), "utf8"),
    boards: textsOf(join(observabilityRoot, "grafana/dashboards")),
    alertmanager,
    dataSources: datasources,
    alloy: readFileSync(join(observabilityRoot, "alloy/config.alloy"), "utf8"),
    loki,
    metrics: exportedMetrics(),
  };
}

/** A test as promtool reads it, as far as it is looked at. */
interface AlertTest {
  readonly name: string;
  /** Null if nothing has to be there for the alert. */
  readonly input_series: readonly { readonly series: string }[] | null;
}

/** Unit tests of alerts, relative to the folder. */
export function testFiles(): readonly string[] {
  const folder = "prometheus/tests";
  return readdirSync(join(observabilityRoot, folder)).map((file) => join(folder, file));
}

/** Whatever their kind: who reads them says of which. */
function rulesOf(file: string): ReturnType<typeof parse> {
  const { groups }: { groups: { rules: unknown[] }[] } = yamlOf(file);
  return groups.flatMap(({ rules }) => rules);
}

function textsOf(folder: string): Texts {
  const names = readdirSync(folder).toSorted();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** Whatever the file holds: who reads it says of which shape it must be. */
function yamlOf(file: string): ReturnType<typeof parse> {
  return parse(readFileSync(join(observabilityRoot, file), "utf8"));
}
