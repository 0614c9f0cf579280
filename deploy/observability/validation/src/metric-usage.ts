/** Which metrics there are to ask for, and who asks for them. */
import { expressionsOf, expanded, parsedBoards } from "./board-file.ts";
import type { ObservabilityFiles } from "./files.ts";
import { guideQueries } from "./guide-queries.ts";
import { TARGET_LABELS } from "./policy.ts";
import { readPromql } from "./read-promql.ts";

/**
 * Metrics of the programs that watch, with their labels.
 * @see https://github.com/prometheus/prometheus/blob/main/rules/group.go
 * @see https://github.com/prometheus/alertmanager/blob/main/notify/notify.go
 * @see https://grafana.com/docs/alloy/latest/reference/components/loki/loki.write/#debug-metrics
 */
const OF_WATCHERS: Readonly<Record<string, readonly string[]>> = {
  up: [],
  ALERTS: ["alertname", "alertstate", "severity"],
  prometheus_rule_evaluation_failures_total: ["rule_group"],
  alertmanager_notifications_failed_total: ["integration", "reason"],
  loki_write_dropped_entries_total: ["host", "tenant", "reason"],
};

/** An expression and where it stands. */
export interface Asked {
  readonly where: string;
  readonly kind: "alert" | "recording" | "dashboard" | "guide" | "test";
  readonly expr: string;
}

/** Every expression on metrics, and every series that tests of alerts make up. */
export function askedIn(files: ObservabilityFiles): readonly Asked[] {
  return [
    ...files.alerts.map(({ alert, expr }) => ({ where: alert, kind: "alert", expr }) as const),
    ...files.recordings.map(
      ({ record, expr }) => ({ where: record, kind: "recording", expr }) as const,
    ),
    ...guideQueries(files.guide)
      .filter(({ language }) => language === "promql")
      .map(({ expr }) => ({ where: "the guide", kind: "guide", expr }) as const),
    ...files.series.map(({ test, series }) => {
      const place = `the test "${test}"`;
      return { where: place, kind: "test", expr: series } as const;
    }),
    ...parsedBoards(files).flatMap(({ file, board }) =>
      expressionsOf(board)
        .filter(({ language }) => language === "promql")
        .map(({ where, expr }) => {
          const place = `${file}, ${where}`;
          return { where: place, kind: "dashboard", expr: expanded(expr) } as const;
        }),
    ),
  ];
}

/** Labels by every name that may be asked for; what it has beside those of its target. */
export function askableMetrics(files: ObservabilityFiles): ReadonlyMap<string, readonly string[]> {
  const own = files.metrics.flatMap(({ name, type, labels }) =>
    type === "histogram"
      ? ([
          [`${name}_bucket`, [...labels, "le"]],
          [`${name}_count`, labels],
          [`${name}_sum`, labels],
        ] as const)
      : ([[name, labels]] as const),
  );
  const recorded = files.recordings.map(
    ({ record }) => [record, (record.split(":")[0] ?? "").split("_")] as const,
  );
  return new Map([...own, ...recorded, ...Object.entries(OF_WATCHERS)]);
}

/**
 * Who shows a metric of the code or alarms by it, to be asked by its name. Only to choose by its labels is
 * no use of it.
 */
export function usageIn(files: ObservabilityFiles): (name: string) => readonly Asked[] {
  const using = askedIn(files)
    .filter(
      ({ where, kind }) => !["guide", "test"].includes(kind) && !where.includes(", variable "),
    )
    .map((asked) => {
      const metrics = readPromql(asked.expr).selectors.map(({ metric }) => metric);
      return { asked, metrics };
    });
  return (name) => {
    const names = [name, `${name}_bucket`, `${name}_count`, `${name}_sum`];
    return using
      .filter(({ metrics }) => metrics.some((metric) => names.includes(metric)))
      .map(({ asked }) => asked);
  };
}

/** Labels that may be grouped by when these metrics are asked for. */
export function groupableLabels(
  metrics: readonly string[],
  askable: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  return [...TARGET_LABELS, ...metrics.flatMap((metric) => askable.get(metric) ?? [])];
}
