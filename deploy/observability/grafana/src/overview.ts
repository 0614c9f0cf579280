/** One screen: is the application protected, does anything ask for a move, is anybody watching. */
import { APPLICATION, type Board, SITE } from "./board.ts";
import type { Section } from "./layout.ts";
import * as bands from "./policy-bands.ts";

const OF = 'application="$application"';
const AT = `${OF}, site=~"$site"`;

const NOW: Section = {
  title: "Now",
  panels: [
    {
      kind: "now",
      title: "Holds the right to write",
      about:
        "The site whose lease the witness renews. Nothing is shown while the lease is sealed, or where none is configured.",
      queries: [{ ask: `max by (site) (cloudphoenix_lease_holder{${OF}} == 1)`, name: "{{site}}" }],
      showsName: true,
      nothing: "nobody",
      colours: ["blue"],
      runbook: "lease-not-renewed.md",
      width: 4,
      height: 4,
    },
    {
      kind: "now",
      title: "What the leader decides",
      about:
        "The action of the newest decision. `blocked` means that something is called for and a guard holds it back.",
      queries: [{ ask: `max by (action) (cloudphoenix_decision{${OF}} == 1)`, name: "{{action}}" }],
      showsName: true,
      nothing: "no leader",
      colours: ["blue"],
      runbook: "move-blocked.md",
      width: 4,
      height: 4,
    },
    {
      kind: "now",
      title: "Score of each site",
      about:
        "Points of its fresh signals; higher is worse. The colours are the bands of the default policy.",
      queries: [{ ask: `max by (site) (cloudphoenix_site_score{${AT}})`, name: "{{site}}" }],
      colours: bands.SCORE_COLOURS,
      runbook: "site-in-trouble.md",
      width: 6,
      height: 4,
    },
    {
      kind: "now",
      title: "How far behind the standby is",
      about:
        "Age of the newest heartbeat row that the standby has. Unknown counts as bad: a move there would be blocked.",
      queries: [
        {
          ask: `max by (standby) (cloudphoenix_replication_lag_seconds{${OF}})`,
          name: "{{standby}}",
        },
      ],
      unit: "s",
      colours: bands.LAG_COLOURS,
      runbook: "replication-behind.md",
      width: 6,
      height: 4,
    },
    {
      kind: "now",
      title: "Runs that have not ended",
      about: "By status. `needs-attention` and `waiting-approval` wait for a person.",
      queries: [
        { ask: `sum by (status) (cloudphoenix_runs_active{${OF}}) > 0`, name: "{{status}}" },
      ],
      nothing: "none",
      colours: ["blue"],
      runbook: "run-needs-a-person.md",
      width: 4,
      height: 4,
    },
  ],
};

const OVER_TIME: Section = {
  title: "The sites over time",
  panels: [
    {
      kind: "over-time",
      title: "Score",
      about:
        "Points of each site. A level counts only after it has held for a while; see the bars below.",
      queries: [{ ask: `max by (site) (cloudphoenix_site_score{${AT}})`, name: "{{site}}" }],
      colours: bands.SCORE_COLOURS,
      runbook: "site-in-trouble.md",
      width: 12,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Coverage",
      about:
        "Share of the points of a site that are known. Below the minimum nothing is decided: a person is called.",
      queries: [{ ask: `min by (site) (cloudphoenix_site_coverage{${AT}})`, name: "{{site}}" }],
      unit: "percentunit",
      colours: bands.COVERAGE_COLOURS,
      runbook: "coverage-low.md",
      width: 12,
      height: 8,
    },
    {
      kind: "states",
      title: "Level",
      about: "What the score of a site asks for, after it has held.",
      queries: [{ ask: `max by (site) (cloudphoenix_site_level{${AT}})`, name: "{{site}}" }],
      words: bands.LEVEL_WORDS,
      runbook: "site-in-trouble.md",
      width: 24,
      height: 5,
    },
  ],
};

const USERS: Section = {
  title: "What users meet",
  panels: [
    {
      kind: "over-time",
      title: "Requests",
      about: "Of users only; probes and balancers do not count.",
      queries: [{ ask: "job:http_requests:rate5m", name: "{{job}}" }],
      unit: "reqps",
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "Requests that fail",
      about:
        "Share of answers from 500 on. The colours are the burn rates of the alerts for a budget of 0.1 % a month.",
      queries: [
        {
          ask: "job:http_request_errors:ratio_rate5m or job:http_requests:rate5m * 0",
          name: "{{job}}",
        },
      ],
      unit: "percentunit",
      colours: bands.ERROR_COLOURS,
      runbook: "service-errors.md",
      width: 8,
      height: 7,
    },
    {
      kind: "over-time",
      title: "Slowest percent of requests",
      about: "99th percentile over five minutes.",
      queries: [{ ask: "job:http_request_duration_seconds:p99_5m", name: "{{job}}" }],
      unit: "s",
      colours: ["green", [1, "red"]],
      runbook: "service-errors.md",
      width: 8,
      height: 7,
    },
  ],
};

const ENDS: Section = {
  title: "What ends one day",
  panels: [
    {
      kind: "now",
      title: "Certificates",
      about:
        "Time left of the certificate each probed https address showed last. Empty where nothing is asked by https.",
      queries: [
        {
          ask: `min by (signal) (cloudphoenix_certificate_expiry_timestamp_seconds{${OF}}) - time()`,
          name: "{{signal}}",
        },
      ],
      unit: "s",
      colours: bands.LEFT_COLOURS,
      nothing: "none seen",
      runbook: "certificates-and-secrets.md",
      width: 8,
      height: 5,
    },
    {
      kind: "now",
      title: "Secrets that expire",
      about: "Time left. Only Azure Key Vault tells when a secret expires.",
      queries: [
        {
          ask: 'min by (job, site, secret) (secret_expiry_timestamp_seconds{site=~"$site"}) - time()',
          name: "{{job}} {{site}} {{secret}}",
        },
      ],
      unit: "s",
      colours: bands.LEFT_COLOURS,
      nothing: "none",
      runbook: "certificates-and-secrets.md",
      width: 8,
      height: 5,
    },
    {
      kind: "now",
      title: "Age of secrets in use",
      about: "Since the value in use was written, as its store tells.",
      queries: [
        {
          ask: 'time() - max by (job, site, secret) (secret_written_timestamp_seconds{site=~"$site"})',
          name: "{{job}} {{site}} {{secret}}",
        },
      ],
      unit: "s",
      colours: ["green", [90 * 86_400, "yellow"], [100 * 86_400, "red"]],
      runbook: "certificates-and-secrets.md",
      width: 8,
      height: 5,
    },
  ],
};

export const overview: Board = {
  uid: "cloudphoenix-overview",
  title: "CloudPhoenix: overview",
  about: "Is the application protected, does anything ask for a move, is anybody watching?",
  choices: [APPLICATION, SITE],
  from: "now-6h",
  sections: [NOW, OVER_TIME, USERS, ENDS],
};
