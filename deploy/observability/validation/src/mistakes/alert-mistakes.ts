/** Mistakes in alerts, their tests, their runbooks and the ways they take. */
import type { Alertmanager } from "../files.ts";
import { inFirstAlert, type Mistake } from "./mistake.ts";

function annotated(name: string, value: string): Mistake["plant"] {
  return inFirstAlert((alert) => ({
    ...alert,
    annotations: { ...alert.annotations, [name]: value },
  }));
}

function routed(change: (alertmanager: Alertmanager) => Alertmanager): Mistake["plant"] {
  return (files) => ({ ...files, alertmanager: change(files.alertmanager) });
}

export const alertMistakes: readonly Mistake[] = [
  {
    policy: "severity",
    what: "a severity that no route knows",
    plant: inFirstAlert((alert) => ({ ...alert, labels: { severity: "critical" } })),
  },
  {
    policy: "severity",
    what: "no severity",
    plant: inFirstAlert(({ alert, expr, annotations = {} }) => ({ alert, expr, annotations })),
  },
  { policy: "words", what: "no summary", plant: annotated("summary", "") },
  {
    policy: "words",
    what: "a description that says nothing",
    plant: annotated("description", "bad"),
  },
  { policy: "runbook", what: "an alert without a runbook", plant: annotated("runbook_url", "") },
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
    what: "an alert for every request",
    plant: inFirstAlert((alert) => ({ ...alert, expr: "sum by (job, requestId) (up) > 0" })),
  },
  {
    policy: "route-reaches",
    what: "a route that reaches nobody",
    plant: routed(({ route, receivers }) => ({
      route,
      receivers: receivers.map(({ name }) => ({ name })),
    })),
  },
  {
    policy: "route-reaches",
    what: "a route to a receiver that does not exist",
    plant: routed(({ route, receivers }) => ({ receivers, route: { ...route, receiver: "ops" } })),
  },
  {
    policy: "route-used",
    what: "a receiver nobody is sent to",
    plant: routed(({ route, receivers }) => ({ route, receivers: [...receivers, { name: "x" }] })),
  },
  {
    policy: "route-secrets",
    what: "a key in the file itself",
    plant: routed(({ route, receivers }) => ({
      route,
      receivers: [...receivers, { name: "x", pagerduty_configs: [{ routing_key: "k" }] }],
    })),
  },
];
