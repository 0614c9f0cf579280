/** The standby: how far behind, what a move would lose, what a returned site still holds. */
import { APPLICATION, type Board, SITE } from "./board.ts";
import type { Section } from "./layout.ts";
import * as bands from "./policy-bands.ts";

const OF = 'application="$application"';

const STANDBY: Section = {
  title: "The standby",
  panels: [
    {
      kind: "over-time",
      title: "How far behind",
      about:
        "Age of the newest heartbeat row at the standby. A gap in the line: it could not be asked.",
      queries: [
        {
          ask: `max by (standby) (cloudphoenix_replication_lag_seconds{${OF}})`,
          name: "{{standby}}",
        },
      ],
      unit: "s",
      colours: bands.LAG_COLOURS,
      runbook: "replication-behind.md",
      width: 12,
      height: 9,
    },
    {
      kind: "over-time",
      title: "What a move would lose at most",
      about: "Upper bound in seconds of writes. Beyond the objective an automatic move is blocked.",
      queries: [
        { ask: `max by (standby) (cloudphoenix_loss_bound_seconds{${OF}})`, name: "{{standby}}" },
      ],
      unit: "s",
      colours: ["green", [5, "yellow"]],
      runbook: "replication-behind.md",
      width: 12,
      height: 9,
    },
    {
      kind: "over-time",
      title: "Commits that wait for the standby",
      about:
        "With durability `barrier` a commit is acknowledged when the standby has flushed it. A number that only grows: the standby does not follow.",
      queries: [
        {
          ask: 'sum by (job, site) (orders_barrier_waiting{site=~"$site"})',
          name: "{{job}} {{site}}",
        },
      ],
      runbook: "replication-behind.md",
      width: 12,
      height: 8,
    },
    {
      kind: "now",
      title: "Transactions that only a quarantined site holds",
      about:
        "A lost site came back with them. Somebody decides what becomes of them, then the site is a standby again.",
      queries: [
        {
          ask: `max by (site) (cloudphoenix_quarantined_transactions{${OF}})`,
          name: "{{site}}",
        },
      ],
      colours: bands.NONE_COLOURS,
      nothing: "no site is quarantined",
      runbook: "returned-primary.md",
      width: 12,
      height: 8,
    },
  ],
};

const DATABASE: Section = {
  title: "The databases as the services meet them",
  panels: [
    {
      kind: "over-time",
      title: "Slowest percent of loans",
      about: "How long a connection is lent out: waiting, statement and answer.",
      queries: [
        {
          ask: 'histogram_quantile(0.99, sum by (job, site, le) (rate(dependency_call_duration_seconds_bucket{dependency="database", site=~"$site"}[$__rate_interval])))',
          name: "{{job}} {{site}}",
        },
      ],
      unit: "s",
      runbook: "service-errors.md",
      width: 12,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Requests that wait for a connection",
      about: "More than none for minutes: the database is slow, or there are too few connections.",
      queries: [
        {
          ask: 'sum by (job, site) (database_connections{state="waiting", site=~"$site"})',
          name: "{{job}} {{site}}",
        },
      ],
      runbook: "service-errors.md",
      width: 12,
      height: 8,
    },
  ],
};

export const replication: Board = {
  uid: "cloudphoenix-replication",
  title: "CloudPhoenix: replication",
  about: "The standby: how far behind, what a move would lose, what a returned site still holds.",
  choices: [APPLICATION, SITE],
  from: "now-6h",
  sections: [STANDBY, DATABASE],
};
