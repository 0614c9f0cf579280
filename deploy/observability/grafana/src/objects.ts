/** Objects: how far their copy is, what holds it back, and the work of the workers. */
import { APPLICATION, type Board } from "./board.ts";
import type { Section } from "./layout.ts";
import * as bands from "./policy-bands.ts";

const OF = 'application="$application"';

const COPY: Section = {
  title: "The copy at the standby",
  panels: [
    {
      kind: "over-time",
      title: "Backlog",
      about:
        "Age of the oldest change that may be missing at the standby: what a move would lose of objects. A gap: unknown.",
      queries: [
        {
          ask: `max by (from, to) (cloudphoenix_object_backlog_seconds{${OF}})`,
          name: "{{from}} to {{to}}",
        },
      ],
      unit: "s",
      colours: bands.OBJECT_COLOURS,
      runbook: "objects-behind.md",
      width: 12,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Age of what is proven",
      about:
        "The instant until which everything is known to be copied, and the newest canary object that was seen at the standby.",
      queries: [
        {
          ask: `max by (from, to) (cloudphoenix_object_mark_age_seconds{${OF}})`,
          name: "all copied: {{from}} to {{to}}",
        },
        {
          ask: `max by (from, to) (cloudphoenix_object_canary_age_seconds{${OF}})`,
          name: "canary: {{from}} to {{to}}",
        },
      ],
      unit: "s",
      colours: bands.OBJECT_COLOURS,
      runbook: "objects-behind.md",
      width: 12,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Objects on their way, and those that cannot be copied",
      about: "On their way is normal. What cannot be copied is named by the log of the worker.",
      queries: [
        {
          ask: `max by (from, to) (cloudphoenix_object_pending{${OF}})`,
          name: "on their way: {{from}} to {{to}}",
        },
        {
          ask: `max by (from, to) (cloudphoenix_object_failures{${OF}})`,
          name: "cannot be copied: {{from}} to {{to}}",
        },
      ],
      runbook: "objects-behind.md",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Copied in a minute",
      about:
        "Begins anew when another worker takes over to follow. Some of them the standby's store may have read itself.",
      queries: [
        {
          ask: `max by (from, to) (clamp_min(deriv(cloudphoenix_objects_copied{${OF}}[5m]), 0)) * 60`,
          name: "{{from}} to {{to}}",
        },
        {
          ask: `max by (from, to) (clamp_min(deriv(cloudphoenix_objects_copied_server_side{${OF}}[5m]), 0)) * 60`,
          name: "of these read by the store itself: {{from}} to {{to}}",
        },
      ],
      width: 8,
      height: 8,
    },
    {
      kind: "states",
      title: "Held back",
      about:
        "The copy pauses, as it does during a move, or deletes wait, mostly because they are more than allowed. `cloudphoenix status` says why.",
      queries: [
        {
          ask: `max by (from, to) (cloudphoenix_object_copy_paused{${OF}})`,
          name: "copies: {{from}} to {{to}}",
        },
        {
          ask: `max by (from, to) (cloudphoenix_object_deletes_held_back{${OF}})`,
          name: "deletes: {{from}} to {{to}}",
        },
      ],
      words: { 0: ["no", "green"], 1: ["held back", "yellow"] },
      runbook: "objects-behind.md",
      width: 8,
      height: 8,
    },
  ],
};

const WORK: Section = {
  title: "The work of the workers",
  panels: [
    {
      kind: "over-time",
      title: "Tasks in the queue",
      about: "By status, as the state database has them. Set-aside tasks wait for a person.",
      queries: [
        {
          ask: `max by (status) (cloudphoenix_work_queue_tasks{${OF}})`,
          name: "{{status}}",
        },
      ],
      runbook: "objects-behind.md",
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Tasks that ended",
      about: "Of all workers, by kind and what became of them, in a minute.",
      queries: [
        {
          ask: `sum by (kind, outcome) (rate(cloudphoenix_worker_tasks_total{${OF}}[$__rate_interval])) * 60`,
          name: "{{kind}} {{outcome}}",
        },
      ],
      stacked: true,
      width: 8,
      height: 8,
    },
    {
      kind: "over-time",
      title: "Claims lost",
      about:
        "Taken over by another worker because the first was late. Now and then is harmless; many: workers lack processor time.",
      queries: [
        {
          ask: `sum by (instance) (rate(cloudphoenix_worker_claims_lost_total{${OF}}[$__rate_interval])) * 60`,
          name: "{{instance}}",
        },
      ],
      runbook: "objects-behind.md",
      width: 8,
      height: 8,
    },
    {
      kind: "log",
      title: "What the workers said",
      about: "Newest first. What cannot be copied is named here, with its reason.",
      queries: [{ ask: '{app="worker", level=~"unknown|info|warn|error|fatal"}', name: "" }],
      width: 24,
      height: 9,
    },
  ],
};

export const objects: Board = {
  uid: "cloudphoenix-objects",
  title: "CloudPhoenix: objects",
  about: "Objects: how far their copy is, what holds it back, and the work of the workers.",
  choices: [APPLICATION],
  from: "now-3h",
  sections: [COPY, WORK],
};
