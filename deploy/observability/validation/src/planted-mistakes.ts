/** Mistakes people make, each of which a policy must find. */
import type { AlertRule, ObservabilityFiles } from "./files.ts";
import { checkPolicies } from "./policies.ts";

interface Mistake {
  readonly policy: string;
  readonly what: string;
  readonly plant: (files: ObservabilityFiles) => ObservabilityFiles;
}

/** Changes the first alert. */
function first(
  change: (alert: AlertRule) => AlertRule,
): (files: ObservabilityFiles) => ObservabilityFiles {
  return (files) => ({
    ...files,
    alerts: files.alerts.map((alert, index) => (index === 0 ? change(alert) : alert)),
  });
}

function annotated(name: string, value: string): Mistake["plant"] {
  return first((alert) => ({ ...alert, annotations: { ...alert.annotations, [name]: value } }));
}

export const mistakes: readonly Mistake[] = [
  {
    policy: "severity",
    what: "a severity that no route knows",
    plant: first((alert) => ({ ...alert, labels: { severity: "critical" } })),
  },
  {
    policy: "severity",
    what: "no severity",
    plant: first(({ alert, expr, annotations = {} }) => ({ alert, expr, annotations })),
  },
  { policy: "words", what: "no summary", plant: annotated("summary", "") },
  {
    policy: "words",
    what: "a description that says nothing",
    plant: annotated("description", "bad"),
  },
  { policy: "runbook", what: "no runbook", plant: annotated("runbook_url", "") },
  {
    policy: "runbook",
    what: "a runbook that does not exist",
    plant: annotated("runbook_url", "{{ $externalLabels.runbooks }}/unwritten.md"),
  },
  {
    policy: "runbook",
    what: "the runbook of another alert",
    plant: annotated("runbook_url", "{{ $externalLabels.runbooks }}/watchdog.md"),
  },
  {
    policy: "runbook-alerts",
    what: "a runbook for an alert that is gone",
    plant: (files) => ({ ...files, alerts: files.alerts.slice(1) }),
  },
  {
    policy: "tested",
    what: "an alert nobody has seen fire",
    plant: (files) => ({ ...files, tests: files.tests.filter((name) => !name.endsWith("fires")) }),
  },
  {
    policy: "tested",
    what: "an alert nobody has seen silent",
    plant: (files) => ({ ...files, tests: files.tests.filter((name) => name.endsWith("fires")) }),
  },
  {
    policy: "unique",
    what: "two alerts of one name",
    plant: (files) => ({ ...files, alerts: [...files.alerts, ...files.alerts.slice(0, 1)] }),
  },
  {
    policy: "low-cardinality",
    what: "a series for every request",
    plant: first((alert) => ({ ...alert, expr: "sum by (job, requestId) (up) > 0" })),
  },
];

/** The mistakes that their policy does not find. */
export function missedMistakes(files: ObservabilityFiles): readonly string[] {
  return mistakes
    .filter(({ policy, plant }) => {
      const found = checkPolicies(plant(files));
      return !found.some((sentence) => sentence.startsWith(`${policy}: `));
    })
    .map(({ policy, what }) => `${policy} does not find: ${what}`);
}
