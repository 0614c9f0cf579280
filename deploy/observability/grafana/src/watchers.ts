/** The watchers themselves: who leads, who asks, who is late, whether alerts arrive. */
import { APPLICATION, type Board } from "./board.ts";
import type { Section } from "./layout.ts";
import * as bands from "./policy-bands.ts";

const OF = 'application="$application"';

const CONTROLLERS: Section = {
  title: "Controllers",
  panels: [
    {
      kind: "states",
      title: "Who leads",
      about: "Exactly one controller does. The others wait to take over.",
      queries: [{ ask: `max by (instance) (cloudphoenix_leader{${OF}})`, name: "{{instance}}" }],
      words: { 0: ["follows", "text"], 1: ["leads", "green"] },
      runbook: "controller-down.md",
      width: 12,
      height: 6,
    },
    {
      kind: "states",
      title: "Programs that are scraped",
      about: "`down`: the program is gone, or Prometheus cannot reach it.",
      queries: [
        {
          ask: 'min by (job, instance) (up{job=~"controller|agent|worker|orders|fulfilment|storefront"})',
          name: "{{job}} {{instance}}",
        },
      ],
      words: { 0: ["down", "red"], 1: ["up", "green"] },
      runbook: "controller-down.md",
      width: 12,
      height: 6,
    },
    {
      kind: "over-time",
      title: "How late they run",
      about:
        "Controllers and agents, slowest percent since the last scrape. Every second is added to the recovery time.",
      queries: [
        {
          ask: `max by (instance) (cloudphoenix_event_loop_delay_seconds{${OF}})`,
          name: "{{instance}}",
        },
        {
          ask: `max by (vantage) (cloudphoenix_agent_event_loop_delay_seconds{${OF}})`,
          name: "agent {{vantage}}",
        },
      ],
      unit: "s",
      colours: ["green", [0.2, "yellow"], [1, "red"]],
      runbook: "controller-down.md",
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "Memory",
      about: "Resident memory of each controller.",
      queries: [
        {
          ask: `max by (instance) (cloudphoenix_process_resident_memory_bytes{${OF}})`,
          name: "{{instance}}",
        },
      ],
      unit: "bytes",
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "Processor time",
      about: "Cores in use by each controller.",
      queries: [
        {
          ask: `sum by (instance) (rate(cloudphoenix_process_cpu_seconds_total{${OF}}[$__rate_interval]))`,
          name: "{{instance}}",
        },
      ],
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "People and programs that follow events",
      about: "Open event streams: dashboards, `cloudphoenix watch`.",
      queries: [
        { ask: `sum by (instance) (cloudphoenix_event_clients{${OF}})`, name: "{{instance}}" },
      ],
      width: 12,
      height: 5,
    },
    {
      kind: "over-time",
      title: "How far their clocks are off",
      about:
        "Ahead of the clock of the state database, which controllers go by; compared once a minute. A second or more: a host without NTP, or a state database whose clock was set.",
      queries: [
        {
          ask: `max by (instance) (cloudphoenix_clock_ahead_seconds{${OF}})`,
          name: "{{instance}}",
        },
      ],
      unit: "s",
      colours: ["green", [1, "yellow"], [5, "red"]],
      runbook: "controller-down.md",
      width: 12,
      height: 5,
    },
  ],
};

const PROBES: Section = {
  title: "Probes",
  panels: [
    {
      kind: "over-time",
      title: "Questions asked",
      about:
        "By controllers and agents, per second. A line that falls to nothing: that vantage is blind.",
      queries: [
        {
          ask: `sum by (instance) (rate(cloudphoenix_probes_total{${OF}}[$__rate_interval]))`,
          name: "controller {{instance}}",
        },
        {
          ask: `sum by (vantage) (rate(cloudphoenix_agent_probes_total{${OF}}[$__rate_interval]))`,
          name: "agent {{vantage}}",
        },
      ],
      unit: "ops",
      runbook: "controller-down.md",
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "Questions skipped",
      about:
        "The one before had not ended: the target is slow, or its time limit is longer than its interval.",
      queries: [
        {
          ask: `sum by (instance) (rate(cloudphoenix_probe_overruns_total{${OF}}[$__rate_interval]))`,
          name: "controller {{instance}}",
        },
        {
          ask: `sum by (vantage) (rate(cloudphoenix_agent_probe_overruns_total{${OF}}[$__rate_interval]))`,
          name: "agent {{vantage}}",
        },
      ],
      unit: "ops",
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "Late or not running",
      about:
        "How late questions start, and the share of time in which the process did not run at all.",
      queries: [
        {
          ask: `max by (instance) (cloudphoenix_probe_lateness_seconds{${OF}})`,
          name: "late: {{instance}}",
        },
        {
          ask: `sum by (instance) (rate(cloudphoenix_probe_stalled_seconds_total{${OF}}[$__rate_interval]))`,
          name: "stalled: {{instance}}",
        },
        {
          ask: `sum by (vantage) (rate(cloudphoenix_agent_probe_stalled_seconds_total{${OF}}[$__rate_interval]))`,
          name: "stalled: agent {{vantage}}",
        },
      ],
      unit: "s",
      runbook: "controller-down.md",
      width: 8,
      height: 7,
    },
  ],
};

const ALARMS: Section = {
  title: "Do alarms arrive?",
  panels: [
    {
      kind: "now",
      title: "Alerts that fire",
      about: "By name and severity; the watchdog always does.",
      queries: [
        {
          ask: 'count by (alertname, severity) (ALERTS{alertstate="firing"})',
          name: "{{alertname}} ({{severity}})",
        },
      ],
      nothing: "not even the watchdog",
      colours: ["blue"],
      runbook: "watchdog.md",
      width: 12,
      height: 6,
    },
    {
      kind: "now",
      title: "Rules that fail, alerts not delivered, log lines lost",
      about: "In the last hour. Each of them makes silence mean nothing.",
      queries: [
        { ask: "sum(increase(prometheus_rule_evaluation_failures_total[1h]))", name: "rules" },
        { ask: "sum(increase(alertmanager_notifications_failed_total[1h]))", name: "alerts" },
        { ask: "sum(increase(loki_write_dropped_entries_total[1h]))", name: "log lines" },
      ],
      colours: bands.NONE_COLOURS,
      runbook: "watchdog.md",
      width: 12,
      height: 6,
    },
    {
      kind: "log",
      title: "Warnings of every program",
      about: "From `warn` on, newest first.",
      queries: [{ ask: '{app=~".+", level=~"unknown|warn|error|fatal"}', name: "" }],
      width: 24,
      height: 10,
    },
  ],
};

export const watchers: Board = {
  uid: "cloudphoenix-watchers",
  title: "CloudPhoenix: watchers",
  about: "The watchers themselves: who leads, who asks, who is late, whether alarms arrive.",
  choices: [APPLICATION],
  from: "now-3h",
  sections: [CONTROLLERS, PROBES, ALARMS],
};
