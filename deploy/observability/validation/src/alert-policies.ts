/** What promtool and amtool do not ask of an alert. */
import type { AlertRule } from "./files.ts";
import { ENDLESS_LABELS, type Policy } from "./policy.ts";
import { readPromql } from "./read-promql.ts";

const SEVERITIES = ["page", "ticket", "none"];
const RUNBOOK = /^\{\{ \$externalLabels\.runbooks \}\}\/([a-z-]+\.md)$/;
/** It cannot stay silent: that is what it is for. */
const ALWAYS = "Watchdog";

export const alertPolicies: readonly Policy[] = [
  {
    name: "severity",
    check: ({ alerts, logAlerts }) =>
      [...alerts, ...logAlerts]
        .filter(({ labels }) => !SEVERITIES.includes(labels?.["severity"] ?? ""))
        .map(({ alert }) => `${alert} says neither page nor ticket nor none`),
  },
  {
    name: "words",
    check: ({ alerts, logAlerts }) =>
      [...alerts, ...logAlerts].flatMap(({ alert, annotations }) =>
        ["summary", "description"]
          .filter((name) => (annotations?.[name] ?? "").length < 20)
          .map((name) => `${alert} has no ${name} that somebody woken by it could use`),
      ),
  },
  {
    name: "runbook",
    check: ({ alerts, logAlerts, runbooks }) =>
      [...alerts, ...logAlerts].flatMap((alert) => {
        const file = runbookOf(alert);
        if (file === null) return [`${alert.alert} has no runbook_url below the runbooks`];
        const text = runbooks[file];
        if (text === undefined) return [`${alert.alert} leads to ${file}, which does not exist`];
        const named = text.includes(`_${alert.alert}_`) || file === "returned-primary.md";
        return named ? [] : [`${file} does not say that it is about ${alert.alert}`];
      }),
  },
  {
    name: "runbook-alerts",
    check: ({ alerts, logAlerts, runbooks }) => {
      const known = new Set([...alerts, ...logAlerts].map(({ alert }) => alert));
      return Object.entries(runbooks).flatMap(([file, text]) => {
        const about = /^Alerts?: (.*)$/m.exec(text)?.[1] ?? "";
        const names = Array.from(about.matchAll(/_([A-Za-z]+)_/g), ([, name]) => name ?? "");
        const gone = names.filter((name) => !known.has(name));
        return gone.map((name) => `${file} is about ${name}, which is no alert`);
      });
    },
  },
  {
    name: "tested",
    check: ({ alerts, tests }) =>
      alerts.flatMap(({ alert }) =>
        ["fires", "stays silent"]
          .map((what) => `${alert} ${what}`)
          .filter((name) => !tests.includes(name) && name !== `${ALWAYS} stays silent`)
          .map((name) => `no test says that ${name}`),
      ),
  },
  {
    name: "unique",
    check: ({ alerts, logAlerts }) => {
      const names = [...alerts, ...logAlerts].map(({ alert }) => alert);
      const twice = names.filter((name, index) => names.indexOf(name) !== index);
      return twice.map((name) => `there are two alerts called ${name}`);
    },
  },
  {
    name: "low-cardinality",
    check: ({ alerts }) =>
      alerts
        .filter(({ expr }) =>
          readPromql(expr).groupings.some((label) => ENDLESS_LABELS.includes(label)),
        )
        .map(({ alert }) => `${alert} makes a series for every request`),
  },
];

function runbookOf({ annotations }: AlertRule): string | null {
  return RUNBOOK.exec(annotations?.["runbook_url"] ?? "")?.[1] ?? null;
}
