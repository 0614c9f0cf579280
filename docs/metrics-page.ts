/** The reference of metrics, made from the registries of the programs and from who asks for what. */
import {
  type ExportedMetric,
  exportedMetrics,
} from "../deploy/observability/validation/src/exported-metrics.ts";
import { readFiles } from "../deploy/observability/validation/src/files.ts";
import { FOR_REFERENCE } from "../deploy/observability/validation/src/metric-policies.ts";
import { type Asked, usageIn } from "../deploy/observability/validation/src/metric-usage.ts";

const TITLES: Readonly<Record<ExportedMetric["exporters"][number], string>> = {
  controller: "Controller",
  agent: "Agent",
  worker: "Worker",
  "every service": "Every service on the chassis",
  orders: "Orders",
  fulfilment: "Fulfilment",
};

/** `docs/reference/metrics.md`. */
export function metricsPage(): string {
  const usageOf = usageIn(readFiles());
  const metrics = exportedMetrics();
  const exporters = [...new Set(metrics.flatMap(({ exporters: [first] }) => first ?? []))];
  return [
    "# Metrics",
    "",
    "*Made from the code by `npm run docs`; do not edit.*",
    "",
    "Every program answers `GET /metrics` to anybody who can reach it. The series of controllers, agents and workers carry the",
    "name of their `application`, a service's its `site`; Prometheus adds `job` and `instance`. A histogram is exported as `_bucket`, `_count` and `_sum`.",
    "_Used by_ names alerts, recorded series, dashboards, and the marks on all of them.",
    "A value that is not known is `NaN` or absent, never 0. What alerts and dashboards make of them is in",
    "[the guide](../guides/observability.md).",
    ...exporters.flatMap((exporter) => [
      "",
      `## ${TITLES[exporter]}`,
      "",
      "| Metric | Type | Unit | Labels | Meaning | Used by |",
      "| --- | --- | --- | --- | --- | --- |",
      ...metrics
        .filter(({ exporters: [first] }) => first === exporter)
        .map((metric) => rowOf(metric, usageOf(metric.name))),
    ]),
    "",
  ].join("\n");
}

function rowOf(metric: ExportedMetric, usage: readonly Asked[]): string {
  const { name, type, labels, help, exporters } = metric;
  const others = exporters.slice(1).map((exporter) => TITLES[exporter].toLowerCase());
  const also = others.length === 0 ? "" : ` Also of the ${others.join(", ")}.`;
  const cells = [
    `\`${name}\``,
    type,
    unitOf(name),
    labels.map((label) => `\`${label}\``).join(", "),
    help + also,
    usersOf(name, usage),
  ];
  return `| ${cells.join(" | ")} |`;
}

function unitOf(name: string): string {
  if (name.endsWith("_timestamp_seconds")) return "s since 1970";
  if (/_seconds(?:_|$)/.test(name)) return "s";
  if (name.endsWith("_bytes")) return "bytes";
  if (name.endsWith("_coverage")) return "share, 0 to 1";
  return name.endsWith("_total") ? "count" : "number";
}

/** Alerts by name, dashboards by title; a recorded series stands for those who ask for it. */
function usersOf(name: string, usage: readonly Asked[]): string {
  const users = new Set<string>();
  for (const { kind, where } of usage) {
    if (kind === "alert") users.add(`_${where}_`);
    if (kind === "recording") users.add(`\`${where}\``);
    // Marks of a run or of a new epoch are on every dashboard.
    const isMark = where.includes(", annotation ");
    if (kind === "dashboard") users.add(isMark ? "marks" : (where.split(".json")[0] ?? where));
  }
  return users.size > 0 ? [...users].join(", ") : (FOR_REFERENCE[name] ?? "");
}
