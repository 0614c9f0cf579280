/** The services: what users ask, what goes wrong, and what they depend on. */
import { APPLICATION, type Board, type Choice, SITE } from "./board.ts";
import type { Section } from "./layout.ts";
import { ORDERS, RECEIPTS } from "./orders-and-receipts.ts";
import * as bands from "./policy-bands.ts";

const JOB: Choice = {
  name: "job",
  label: "Service",
  about: "A service that stands on the chassis.",
  values: "label_values(build_info, job)",
  several: true,
};

const OF = 'job=~"$job", site=~"$site"';
/** Requests of users; the same as in the recording rules. */
const USERS = `${OF}, route!~"/(live|startup|ready|health|traffic|cloud-status|metrics|openapi.json)"`;

function quantile(share: number, by: string): string {
  return `histogram_quantile(${share}, sum by (${by}, le) (rate(http_request_duration_seconds_bucket{${USERS}}[$__rate_interval])))`;
}

const REQUESTS: Section = {
  title: "Requests of users",
  panels: [
    {
      kind: "over-time",
      title: "Requests by status",
      about:
        "503 with `READ_ONLY` during a move is as it should be: clients repeat with the same key.",
      queries: [
        {
          ask: `sum by (job, status) (rate(http_request_duration_seconds_count{${USERS}}[$__rate_interval]))`,
          name: "{{job}} {{status}}",
        },
      ],
      unit: "reqps",
      stacked: true,
      runbook: "service-errors.md",
      width: 12,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Requests that fail, by route",
      about: "Share of answers from 500 on.",
      queries: [
        {
          ask: `sum by (job, route) (rate(http_request_duration_seconds_count{status=~"5..", ${USERS}}[$__rate_interval])) / sum by (job, route) (rate(http_request_duration_seconds_count{${USERS}}[$__rate_interval]))`,
          name: "{{job}} {{route}}",
        },
      ],
      unit: "percentunit",
      colours: bands.ERROR_COLOURS,
      runbook: "service-errors.md",
      width: 12,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Error budget burnt",
      about: "Share of failed requests in each window of the alerts. 0.1 % is what the month has.",
      queries: [
        { ask: 'job:http_request_errors:ratio_rate1h{job=~"$job"}', name: "{{job}}, 1 h" },
        { ask: 'job:http_request_errors:ratio_rate6h{job=~"$job"}', name: "{{job}}, 6 h" },
        { ask: 'job:http_request_errors:ratio_rate3d{job=~"$job"}', name: "{{job}}, 3 d" },
      ],
      unit: "percentunit",
      colours: bands.ERROR_COLOURS,
      runbook: "service-errors.md",
      width: 12,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Time to answer",
      about:
        "Median, slowest twentieth, slowest percent. A dot is a traced request: it leads to its trace.",
      queries: [
        { ask: quantile(0.5, "job"), name: "{{job}}, median" },
        { ask: quantile(0.95, "job"), name: "{{job}}, 95 %" },
        { ask: quantile(0.99, "job"), name: "{{job}}, 99 %" },
      ],
      unit: "s",
      colours: ["green", [1, "red"]],
      runbook: "service-errors.md",
      width: 12,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Slowest percent by route",
      about: "Which routes are slow.",
      queries: [{ ask: quantile(0.99, "job, route"), name: "{{job}} {{route}}" }],
      unit: "s",
      runbook: "service-errors.md",
      width: 12,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Connections refused",
      about: "What was sent on them was no request: headers too large, too slow, malformed.",
      queries: [
        {
          ask: `sum by (job, reason) (rate(http_connections_refused_total{${OF}}[$__rate_interval]))`,
          name: "{{job}} {{reason}}",
        },
      ],
      unit: "cps",
      width: 12,
      height: 8,
    },
  ],
};

const DEPENDENCIES: Section = {
  title: "What they depend on",
  panels: [
    {
      kind: "over-time",
      title: "Calls by outcome",
      about:
        "`rejected` calls were never made: the circuit is open or the place for waiting is full.",
      queries: [
        {
          ask: `sum by (job, dependency, outcome) (rate(dependency_call_duration_seconds_count{${OF}}[$__rate_interval]))`,
          name: "{{job}} {{dependency}} {{outcome}}",
        },
      ],
      unit: "ops",
      runbook: "service-errors.md",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Slowest percent of calls",
      about: "99th percentile by dependency.",
      queries: [
        {
          ask: `histogram_quantile(0.99, sum by (job, dependency, le) (rate(dependency_call_duration_seconds_bucket{${OF}}[$__rate_interval])))`,
          name: "{{job}} {{dependency}}",
        },
      ],
      unit: "s",
      runbook: "service-errors.md",
      width: 8,
      height: 8,
    },
    {
      kind: "states",
      title: "Circuits",
      about: "Open: the dependency kept failing and is tried again every second.",
      queries: [
        {
          ask: `max by (job, dependency) (dependency_circuit_state{${OF}})`,
          name: "{{job}} {{dependency}}",
        },
      ],
      words: { 0: ["closed", "green"], 1: ["half-open", "yellow"], 2: ["open", "red"] },
      runbook: "service-errors.md",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Database connections",
      about: "By state. `waiting` are requests without one.",
      queries: [
        {
          ask: `sum by (job, pool, state) (database_connections{${OF}})`,
          name: "{{job}} {{pool}} {{state}}",
        },
      ],
      runbook: "service-errors.md",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Wait for a connection, p99",
      about: "How long work waits for a connection of its pool. Beyond 1 s it is refused.",
      queries: [
        {
          ask: `histogram_quantile(0.99, sum by (job, pool, le) (rate(database_connection_wait_seconds_bucket{${OF}}[$__rate_interval])))`,
          name: "{{job}} {{pool}}",
        },
      ],
      unit: "s",
      runbook: "service-errors.md",
      width: 8,
      height: 8,
    },
    {
      kind: "states",
      title: "Secrets that could not be read again",
      about: "The service goes on with an older value; a rotation or a restart would cut it off.",
      queries: [
        {
          ask: `max by (job, site, secret) (secret_stale{${OF}})`,
          name: "{{job}} {{site}} {{secret}}",
        },
      ],
      words: { 0: ["fresh", "green"], 1: ["stale", "red"] },
      runbook: "certificates-and-secrets.md",
      width: 8,
      height: 8,
    },
  ],
};

const PROCESSES: Section = {
  title: "Processes",
  panels: [
    {
      kind: "over-time",
      title: "Processor time",
      about: "Cores in use by each replica.",
      queries: [
        {
          ask: `sum by (job, instance) (rate(process_cpu_seconds_total{${OF}}[$__rate_interval]))`,
          name: "{{job}} {{instance}}",
        },
      ],
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Memory",
      about: "Resident memory of each replica.",
      queries: [
        {
          ask: `max by (job, instance) (process_resident_memory_bytes{${OF}})`,
          name: "{{job}} {{instance}}",
        },
      ],
      unit: "bytes",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "How late timers fire",
      about:
        "Slowest percent since the last scrape. A service that is late answers everything late.",
      queries: [
        {
          ask: `max by (job, instance) (nodejs_eventloop_delay_seconds{quantile="0.99", ${OF}})`,
          name: "{{job}} {{instance}}",
        },
      ],
      unit: "s",
      colours: ["green", [0.1, "yellow"], [1, "red"]],
      width: 8,
      height: 8,
    },
    {
      kind: "now",
      title: "What runs",
      about: "Replicas by version and site.",
      queries: [
        {
          ask: `count by (job, site, version) (build_info{${OF}})`,
          name: "{{job}} {{version}} at {{site}}",
        },
      ],
      colours: ["blue"],
      width: 24,
      height: 5,
    },
    {
      kind: "log",
      title: "What they said, from `warn` on",
      about: "Newest first. The trace id in a line leads to its trace.",
      queries: [
        { ask: '{app=~"$job", site=~"$site", level=~"unknown|warn|error|fatal"}', name: "" },
      ],
      width: 24,
      height: 10,
    },
  ],
};

export const services: Board = {
  uid: "cloudphoenix-services",
  title: "CloudPhoenix: services",
  about: "The services: what users ask, what goes wrong, and what they depend on.",
  choices: [APPLICATION, JOB, SITE],
  from: "now-3h",
  sections: [REQUESTS, DEPENDENCIES, ORDERS, RECEIPTS, PROCESSES],
};
