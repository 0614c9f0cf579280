/** The generated tables of the page on scoring and decision. */
import {
  DEFAULT_POLICY,
  defaultPoints,
  type Policy,
  POLICY_REASONS,
  type SignalKind,
} from "@cloudphoenix/core";

const KINDS: Readonly<Record<SignalKind, string>> = {
  "service-health": "the service's own `/health`",
  "external-uptime": "an uptime probe from the internet",
  "cross-cloud": "a probe from the other cloud",
  "cross-region": "a probe from another region",
  "replication-lag": "heartbeat row: degraded from 5 s, unhealthy from 30 s",
  "object-backlog":
    "copy of the objects: degraded beyond the objective, unhealthy beyond 5 of it; explains, never votes",
  "node-groups": "cluster nodes: one group bad, more bad",
  "load-balancer": "load balancer targets: any bad",
  alarm: "a CloudWatch or Azure Monitor alarm",
  prometheus: "a query; its author sets the points",
  "provider-status": "a provider's status page: explains, never votes",
};

/** The page with its generated parts replaced by the tables of today. */
export function scoringPage(page: string): string {
  return between(between(page, "points", pointsTable()), "policy", policyTable());
}

function pointsTable(): string {
  const rows = (Object.keys(KINDS) as SignalKind[]).map((kind) => {
    const points = defaultPoints(kind);
    return `| \`${kind}\` | ${KINDS[kind]} | ${points.degraded} | ${points.unhealthy} |`;
  });
  return ["| Signal | Asks | Degraded | Unhealthy |", "| --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}

function policyTable(): string {
  const rows = (Object.keys(POLICY_REASONS) as (keyof Policy)[]).map(
    (field) => `| \`${field}\` | ${valueText(DEFAULT_POLICY[field])} | ${POLICY_REASONS[field]} |`,
  );
  return ["| Field | Default | Why |", "| --- | --- | --- |", ...rows].join("\n");
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(", ");
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([key, part]) => `${key} ${part}`)
    .join(", ");
}

function between(page: string, name: string, content: string): string {
  const start = `<!-- generated:${name} -->`;
  const end = `<!-- /generated:${name} -->`;
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error(`the page has no place for ${name}`);
  return `${page.slice(0, from + start.length)}\n${content}\n${page.slice(to)}`;
}
