/** What a worker tells Prometheus. Unknown is NaN, never 0: an alert on "absent or high" must fire. */
import type { TaskCounts } from "@cloudphoenix/engine";
import type { ObjectReplicationFacts } from "@cloudphoenix/objects";
import { Counter, Gauge, Registry } from "@prometheus-io/client";

const OUTCOMES = ["done", "failed", "set-aside", "claim-lost", "given-back"] as const;
type Outcome = (typeof OUTCOMES)[number];

export class WorkerMetrics {
  readonly registry: Registry = new Registry();
  readonly #backlog = this.#gauge(
    "object_backlog_seconds",
    "Age of the oldest change that may be missing at the standby; NaN is unknown.",
    ["from", "to"],
  );
  readonly #mark = this.#gauge(
    "object_mark_age_seconds",
    "Age of the instant until which everything is known to be copied; NaN is unknown.",
    ["from", "to"],
  );
  readonly #canary = this.#gauge(
    "object_canary_age_seconds",
    "Age of the newest canary object seen at the standby; NaN if none ever was.",
    ["from", "to"],
  );
  readonly #pending = this.#gauge("object_pending", "Objects known to be on their way.", [
    "from",
    "to",
  ]);
  readonly #failed = this.#gauge("object_failures", "Objects that cannot be copied now.", [
    "from",
    "to",
  ]);
  readonly #paused = this.#gauge("object_copy_paused", "1 while nothing is copied.", [
    "from",
    "to",
  ]);
  readonly #deletesHeldBack = this.#gauge(
    "object_deletes_held_back",
    "1 while objects that are due to be deleted are not; copying goes on.",
    ["from", "to"],
  );
  readonly #copied = this.#gauge(
    "objects_copied",
    "Objects copied since this follower took over; falls to 0 when another one does.",
    ["from", "to"],
  );
  readonly #copiedServerSide = this.#gauge(
    "objects_copied_server_side",
    "Objects that the standby's store read from the active one itself, since this process began.",
    ["from", "to"],
  );
  readonly #tasks = this.#gauge("work_queue_tasks", "Tasks in the work queue, by status.", [
    "status",
  ]);
  readonly #ended = new Counter({
    name: "cloudphoenix_worker_tasks_total",
    help: "Tasks this worker had, by kind and what became of them.",
    labelNames: ["kind", "outcome"],
    registers: [this.registry],
  });
  readonly #lost = new Counter({
    name: "cloudphoenix_worker_claims_lost_total",
    help: "Claims that ran out or were taken over while this worker had them.",
    registers: [this.registry],
  });

  constructor(application: string, kinds: readonly string[]) {
    this.registry.setDefaultLabels({ application });
    // A counter that first appears at 1 has not increased for Prometheus: every value starts at 0.
    for (const kind of kinds) {
      for (const outcome of OUTCOMES) this.#ended.inc({ kind, outcome }, 0);
    }
    this.#lost.inc(0);
  }

  facts(facts: ObjectReplicationFacts): void {
    const { from, to, atMs } = facts;
    const labels = { from, to };
    const age = (instantMs: number | null): number =>
      instantMs === null ? Number.NaN : Math.max(0, atMs - instantMs) / 1_000;
    const { backlogAgeMs } = facts;
    this.#backlog.set(labels, backlogAgeMs === null ? Number.NaN : backlogAgeMs / 1_000);
    this.#mark.set(labels, age(facts.markMs));
    this.#canary.set(labels, age(facts.canarySeenMs));
    this.#pending.set(labels, facts.pending);
    this.#failed.set(labels, facts.failed);
    this.#paused.set(labels, facts.paused === null ? 0 : 1);
    this.#deletesHeldBack.set(labels, facts.deletesHeldBack === null ? 0 : 1);
    this.#copied.set(labels, facts.copied);
    this.#copiedServerSide.set(labels, facts.copiedServerSide);
  }

  /** This worker follows no longer: somebody else's numbers count. */
  followsNoMore(): void {
    for (const gauge of [this.#backlog, this.#mark, this.#canary, this.#pending]) gauge.reset();
    for (const gauge of [this.#failed, this.#paused, this.#deletesHeldBack]) gauge.reset();
    for (const gauge of [this.#copied, this.#copiedServerSide]) gauge.reset();
  }

  queue(counts: TaskCounts): void {
    for (const [status, tasks] of Object.entries(counts)) this.#tasks.set({ status }, tasks);
  }

  ended(kind: string, outcome: Outcome): void {
    this.#ended.inc({ kind, outcome });
    if (outcome === "claim-lost") this.#lost.inc();
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({
      name: `cloudphoenix_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
    });
  }
}
