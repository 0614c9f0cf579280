/** What promtool and amtool do not ask of an alert. */
import type { AlertRule, ObservabilityFiles } from "./files.ts";

interface Policy {
  readonly name: string;
  /** One sentence for each thing that is wrong. */
  readonly check: (files: ObservabilityFiles) => readonly string[];
}

const SEVERITIES = ["page", "ticket", "none"];
const RUNBOOK = /^\{\{ \$externalLabels\.runbooks \}\}\/([a-z-]+\.md)$/;
/** It cannot stay silent: that is what it is for. */
const ALWAYS = "Watchdog";

export const policies: readonly Policy[] = [
  {
    name: "severity",
    check: ({ alerts }) =>
      alerts
        .filter(({ labels }) => !SEVERITIES.includes(labels?.["severity"] ?? ""))
        .map(({ alert }) => `${alert} says neither page nor ticket nor none`),
  },
  {
    name: "words",
    check: ({ alerts }) =>
      alerts.flatMap(({ alert, annotations }) =>
        ["summary", "description"]
          .filter((name) => (annotations?.[name] ?? "").length < 20)
          .map((name) => `${alert} has no ${name} that somebody woken by it could use`),
      ),
  },
  {
    name: "runbook",
    check: ({ alerts, runbooks }) =>
      alerts.flatMap((alert) => {
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
    check: ({ alerts, runbooks }) => {
      const known = new Set(alerts.map(({ alert }) => alert));
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
    check: ({ alerts }) => {
      const names = alerts.map(({ alert }) => alert);
      const twice = names.filter((name, index) => names.indexOf(name) !== index);
      return twice.map((name) => `there are two alerts called ${name}`);
    },
  },
  {
    name: "low-cardinality",
    check: ({ alerts }) =>
      alerts
        .filter(({ expr }) => /\bby \([^)]*\b(?:requestId|trace_id|customer|path|url)\b/.test(expr))
        .map(({ alert }) => `${alert} makes a series for every request`),
  },
];

/** Everything that is wrong, each sentence behind the name of its policy. */
export function checkPolicies(files: ObservabilityFiles): readonly string[] {
  return policies.flatMap(({ name, check }) => check(files).map((found) => `${name}: ${found}`));
}

function runbookOf({ annotations }: AlertRule): string | null {
  return RUNBOOK.exec(annotations?.["runbook_url"] ?? "")?.[1] ?? null;
}
