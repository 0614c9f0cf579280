/** Mistakes in what is asked of metrics, and in metrics. */
import type { ExportedMetric } from "../exported-metrics.ts";
import { inBoard, inFirstAlert, type Mistake } from "./mistake.ts";

function asking(expr: string): Mistake["plant"] {
  return inFirstAlert((alert) => ({ ...alert, expr }));
}

function exporting(change: Partial<ExportedMetric>): Mistake["plant"] {
  return (files) => ({
    ...files,
    metrics: files.metrics.map((metric, index) =>
      index === 0 ? { ...metric, ...change } : metric,
    ),
  });
}

/** A test of an alert that begins with that series. */
function madeUp(series: string): Mistake["plant"] {
  return (files) => ({ ...files, series: [{ test: "Watchdog fires", series }, ...files.series] });
}

export const metricMistakes: readonly Mistake[] = [
  {
    policy: "metric-exists",
    what: "an alert on a metric that does not exist",
    plant: asking("max(cloudphoenix_site_points) > 8"),
  },
  {
    policy: "metric-exists",
    what: "a panel with a metric that does not exist",
    plant: inBoard("overview.json", "(cloudphoenix_site_score{", "(cloudphoenix_score{"),
  },
  {
    policy: "metric-exists",
    what: "a variable filled from a metric that does not exist",
    plant: inBoard(
      "overview.json",
      "cloudphoenix_leader, application",
      "cloudphoenix_lead, application",
    ),
  },
  {
    policy: "metric-exists",
    what: "a query of the guide with a metric that does not exist",
    plant: (files) => ({
      ...files,
      guide: files.guide.replace("(cloudphoenix_site_level)", "(cloudphoenix_level)"),
    }),
  },
  {
    policy: "metric-exists",
    what: "a metric that the code calls otherwise now",
    plant: exporting({ name: "cloudphoenix_site_points" }),
  },
  {
    policy: "metric-exists",
    what: "an annotation with a metric that does not exist",
    plant: inBoard("failover.json", "cloudphoenix_lease_epoch{", "cloudphoenix_epoch{"),
  },
  {
    policy: "metric-exists",
    what: "a histogram asked for without its suffix",
    plant: asking("max(http_request_duration_seconds) > 1"),
  },
  {
    policy: "metric-labels",
    what: "an alert that groups by a label nothing has",
    plant: asking("max by (region) (cloudphoenix_site_score) > 8"),
  },
  {
    policy: "metric-labels",
    what: "an alert that narrows by a label the metric does not have",
    plant: asking('cloudphoenix_leader{site="aws"} == 0'),
  },
  {
    policy: "metric-labels",
    what: "a label that the code does not set any more",
    plant: exporting({ labels: ["application"] }),
  },
  {
    policy: "metric-values",
    what: "an alert that waits for a status no run has",
    plant: asking('sum(cloudphoenix_runs_active{status="waiting-for-approval"}) > 0'),
  },
  {
    policy: "metric-values",
    what: "an alert on a program that is not called so",
    plant: asking('up{job=~"controller|keeper"} == 0'),
  },
  {
    policy: "metric-values",
    what: "one choice of several that no receipt comes to",
    plant: asking('rate(orders_receipts_settled_total{result=~"later|lost"}[5m]) > 0'),
  },
  {
    policy: "metric-values",
    what: "a panel of connections in a state that there is not",
    plant: inBoard("replication.json", '{state=\\"waiting', '{state=\\"queued'),
  },
  {
    policy: "metric-values",
    what: "a test of an alert with a pool that no service has",
    plant: madeUp('database_connections{job="orders",pool="requests",state="waiting"}'),
  },
  {
    policy: "metric-exists",
    what: "a test of an alert with a metric that does not exist",
    plant: madeUp('database_pool{job="orders"}'),
  },
  {
    policy: "metric-labels",
    what: "a test of an alert with a label that its metric does not have",
    plant: madeUp('database_connections{job="orders",role="work"}'),
  },
  {
    policy: "metric-syntax",
    what: "an expression that nothing understands",
    plant: inBoard("replication.json", "max by (standby) (", "max by (standby ("),
  },
  {
    policy: "metric-used",
    what: "a metric nobody looks at",
    plant: (files) => ({
      ...files,
      metrics: [
        ...files.metrics,
        ...files.metrics.slice(0, 1).map((metric) => ({ ...metric, name: "orders_forgotten" })),
      ],
    }),
  },
  {
    policy: "metric-cardinality",
    what: "a metric with a label for every request",
    plant: exporting({ labels: ["request_id"] }),
  },
  {
    policy: "metric-name",
    what: "a counter that is not called one",
    plant: exporting({ type: "counter" }),
  },
  {
    policy: "metric-name",
    what: "a metric without a sentence",
    plant: exporting({ help: "points" }),
  },
];
