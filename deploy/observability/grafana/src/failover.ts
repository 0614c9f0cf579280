/** A move from beginning to end: why, by which steps, who may write, what users met. */
import { APPLICATION, type Board, SITE } from "./board.ts";
import type { Section } from "./layout.ts";
import * as bands from "./policy-bands.ts";

const OF = 'application="$application"';
const AT = `${OF}, site=~"$site"`;

const WHY: Section = {
  title: "Why",
  panels: [
    {
      kind: "states",
      title: "Decision",
      about:
        "Which action the newest decision names. `cloudphoenix explain` says what was seen, from where, and which guard blocks.",
      queries: [{ ask: `max by (action) (cloudphoenix_decision{${OF}})`, name: "{{action}}" }],
      words: { 0: ["", "transparent"], 1: ["now", "blue"] },
      runbook: "move-blocked.md",
      width: 12,
      height: 8,
    },
    {
      kind: "states",
      title: "Level of each site",
      about: "What its score asks for, after it has held.",
      queries: [{ ask: `max by (site) (cloudphoenix_site_level{${AT}})`, name: "{{site}}" }],
      words: bands.LEVEL_WORDS,
      runbook: "site-in-trouble.md",
      width: 12,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Decisions that said something new",
      about: "By action, per minute. Many in a row: something flaps.",
      queries: [
        {
          ask: `sum by (action) (rate(cloudphoenix_decisions_total{${OF}}[$__rate_interval])) * 60`,
          name: "{{action}}",
        },
      ],
      width: 12,
      height: 7,
    },
    {
      kind: "over-time",
      title: "Could be lost by a move now",
      about: "Upper bound, which the guard data-fresh compares with the objective.",
      queries: [
        { ask: `max by (standby) (cloudphoenix_loss_bound_seconds{${OF}})`, name: "{{standby}}" },
      ],
      unit: "s",
      colours: ["green", [5, "yellow"]],
      runbook: "replication-behind.md",
      width: 12,
      height: 7,
    },
  ],
};

const RUNS: Section = {
  title: "The run",
  panels: [
    {
      kind: "over-time",
      title: "Runs that have not ended",
      about: "By status. `needs-attention` and `waiting-approval` wait for a person.",
      queries: [{ ask: `sum by (status) (cloudphoenix_runs_active{${OF}})`, name: "{{status}}" }],
      stacked: true,
      runbook: "run-needs-a-person.md",
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "Silence of the run at work",
      about:
        "Since a step of it began, was tried again or ended. In a move, five minutes are an alarm.",
      queries: [{ ask: `max(cloudphoenix_run_quiet_seconds{${OF}})`, name: "silent for" }],
      unit: "s",
      colours: ["green", [60, "yellow"], [300, "red"]],
      runbook: "run-needs-a-person.md",
      width: 8,
      height: 7,
    },
    {
      kind: "now",
      title: "How runs ended, in the time shown",
      about:
        "`stuck`: undoing failed, a person must look at both sites. `superseded`: a newer plan took over.",
      queries: [
        {
          ask: `sum by (status) (increase(cloudphoenix_runs_ended_total{${OF}}[$__range]))`,
          name: "{{status}}",
        },
      ],
      colours: ["blue"],
      runbook: "run-needs-a-person.md",
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "How long steps take",
      about:
        "Median and slowest tenth by outcome. `cloudphoenix run show` has each step of one run.",
      queries: [
        {
          ask: `histogram_quantile(0.5, sum by (status, le) (rate(cloudphoenix_step_duration_seconds_bucket{${OF}}[$__rate_interval])))`,
          name: "{{status}}, median",
        },
        {
          ask: `histogram_quantile(0.9, sum by (status, le) (rate(cloudphoenix_step_duration_seconds_bucket{${OF}}[$__rate_interval])))`,
          name: "{{status}}, slowest tenth",
        },
      ],
      unit: "s",
      width: 24,
      height: 7,
    },
  ],
};

const RIGHT_TO_WRITE: Section = {
  title: "Who may write",
  panels: [
    {
      kind: "states",
      title: "Holder of the lease",
      about:
        "As the leader sees it at the witness. Never two at a time; nobody while it is sealed.",
      queries: [
        { ask: `max by (site) (cloudphoenix_lease_holder{${OF}})`, name: "{{site}}" },
        { ask: `max(cloudphoenix_lease_sealed{${OF}})`, name: "sealed" },
      ],
      words: { 0: ["", "transparent"], 1: ["yes", "green"] },
      runbook: "lease-not-renewed.md",
      width: 12,
      height: 6,
    },
    {
      kind: "states",
      title: "Agents that renewed",
      about: "Whether the last round of the agent of a site renewed its lease. A standby does not.",
      queries: [{ ask: `max by (site) (cloudphoenix_agent_lease_held{${AT}})`, name: "{{site}}" }],
      words: { 0: ["no", "text"], 1: ["renewed", "green"] },
      runbook: "lease-not-renewed.md",
      width: 12,
      height: 6,
    },
    {
      kind: "over-time",
      title: "Age of the last renewal",
      about:
        "At the witness, and as each agent knows. When it is older than the lease, the site refuses writes by itself.",
      queries: [
        { ask: `min(cloudphoenix_lease_renewed_seconds_ago{${OF}})`, name: "witness" },
        {
          ask: `min by (site) (cloudphoenix_agent_lease_renewed_seconds_ago{${AT}})`,
          name: "agent of {{site}}",
        },
      ],
      unit: "s",
      colours: ["green", [60, "red"]],
      runbook: "lease-not-renewed.md",
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "Rounds of the agents",
      about:
        "By outcome, per minute. Anything but `renewed` at the active site ends in refused writes.",
      queries: [
        {
          ask: `sum by (site, outcome) (rate(cloudphoenix_agent_lease_rounds_total{${AT}}[$__rate_interval])) * 60`,
          name: "{{site}} {{outcome}}",
        },
      ],
      runbook: "lease-not-renewed.md",
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "Writer epoch",
      about: "Every failover begins a new one; it never falls.",
      queries: [{ ask: `max(cloudphoenix_lease_epoch{${OF}})`, name: "epoch" }],
      width: 8,
      height: 7,
    },
  ],
};

const USERS: Section = {
  title: "What users met",
  panels: [
    {
      kind: "over-time",
      title: "Orders acknowledged, by site",
      about:
        "Where users are served. The gap between the two lines is the recovery time that users saw.",
      queries: [
        {
          ask: 'sum by (site) (rate(orders_placed_total{site=~"$site"}[$__rate_interval]))',
          name: "{{site}}",
        },
      ],
      unit: "ops",
      width: 12,
      height: 7,
    },
    {
      kind: "states",
      title: "Sites that take orders in",
      about: "Whether the worker of a site takes orders: it does where writes are open.",
      queries: [{ ask: 'max by (site) (fulfilment_intake_open{site=~"$site"})', name: "{{site}}" }],
      words: { 0: ["closed", "text"], 1: ["open", "green"] },
      runbook: "orders-not-fulfilled.md",
      width: 12,
      height: 7,
    },
    {
      kind: "log",
      title: "What the controllers, agents and workers said",
      about: "Newest first. A trace or request id in a line is a link.",
      queries: [
        {
          ask: '{app=~"controller|agent|worker", level=~"unknown|info|warn|error|fatal"}',
          name: "",
        },
      ],
      width: 24,
      height: 10,
    },
  ],
};

export const failover: Board = {
  uid: "cloudphoenix-failover",
  title: "CloudPhoenix: failover",
  about: "A move from beginning to end: why, by which steps, who may write, what users met.",
  choices: [APPLICATION, SITE],
  from: "now-1h",
  sections: [WHY, RUNS, RIGHT_TO_WRITE, USERS],
};
