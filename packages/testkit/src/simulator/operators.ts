/**
 * The people: they answer questions late, twice or never, retry what failed, cancel what they do
 * not like, and sometimes act by themselves.
 */
import { CloudPhoenixError, type RunCommand, type StepRecord, hasCode } from "@cloudphoenix/core";
import { approvalAskedBy } from "@cloudphoenix/engine";
import type { Chance } from "./chance.ts";
import { chanceOf } from "./chance.ts";
import type { Controller } from "./controller.ts";
import type { World } from "./world.ts";

const LOOK_EVERY_MS = 1_000;
const NAMES = ["ann", "bob", "carol"] as const;
const OUTAGE_MS = 12_000;
/** How often people say a thing, once a second, until somebody takes it. */
const TRIES_MAX = 30;
/** How long they wait for an answer; a controller that died in between never gives one. */
const PATIENCE_MS = 5_000;

/** What people tell a run; the same key however often they say it. */
interface Order {
  readonly runId: string;
  readonly command: RunCommand;
  readonly key: string;
}

export class Operators {
  readonly #world: World;
  readonly #controllers: readonly Controller[];
  readonly #chance: Chance;
  readonly #answered = new Set<string>();
  #outageSinceMs: number | null = null;
  #sent = 0;

  constructor(world: World, controllers: readonly Controller[]) {
    this.#world = world;
    this.#controllers = controllers;
    this.#chance = chanceOf(world.settings.seed, "operators");
  }

  start(): void {
    this.#world.scheduler.after(LOOK_EVERY_MS, () => {
      this.#look().catch((error: unknown) => {
        this.#world.truth.violate("defect", `operators: ${String(error)}`);
      });
      this.start();
    });
  }

  /** Asks for a planned move; whether it is granted is not theirs to say. */
  askForSwitchover(): void {
    this.#request("switchover", false);
  }

  /** Asks to go back to the site that is recorded as active, also where there is nothing to undo. */
  askForRollback(): void {
    this.#request("rollback", false);
  }

  /** Cancels whatever runs. */
  cancel(): void {
    for (const { plan, ended } of this.#world.judge.runs) {
      if (ended !== null) continue;
      this.#tell(plan.id, {
        kind: "cancel",
        by: this.#chance.pick(NAMES),
        reason: "changed my mind",
        ...(this.#chance.hits(0.5) && { abandon: true }),
      });
    }
  }

  async #look(): Promise<void> {
    const { operators: temper } = this.#world.settings;
    const isIdle = this.#world.judge.runs.every((run) => run.ended !== null);
    const runs = isIdle ? [] : await this.#world.state.runs.list(10);
    for (const run of runs) {
      const question = `${run.id} ${run.status} ${run.waitingFor ?? ""} ${run.approvals.length}`;
      if (this.#answered.has(question) || temper.answersAfterMs === null) continue;
      if (run.status === "waiting-approval") {
        this.#answered.add(question);
        const step = run.steps.find(isAsking);
        // Whoever has not spoken last: a question wants two different people at most.
        const by = NAMES[run.approvals.length % NAMES.length] ?? NAMES[0];
        this.#world.judge.agrees(run.id, step?.id ?? null, by);
        this.#later(run.id, { kind: "approve", by, comment: "seen", question: run.question ?? 0 });
      } else if (run.status === "needs-attention") {
        this.#answered.add(question);
        const failed = run.steps.find((step) => step.status === "failed");
        if (failed === undefined) continue;
        const by = this.#chance.pick(NAMES);
        const gaveUp = this.#chance.hits(0.3);
        const cancel = { kind: "cancel", by, reason: "it failed" } as const;
        this.#later(run.id, gaveUp ? cancel : { kind: "retry", by, step: failed.id });
        // Another try fails the same way: people look again later.
        this.#world.scheduler.after(15_000, () => this.#answered.delete(question));
      }
    }
    this.#mindTheOutage();
  }

  #mindTheOutage(): void {
    const nowMs = this.#world.scheduler.nowMs;
    const isDown = this.#world.sites.every((site) => site.database.refusal() !== null);
    if (!isDown) this.#outageSinceMs = null;
    else this.#outageSinceMs ??= nowMs;
    const { losesPatience } = this.#world.settings.operators;
    if (!losesPatience || this.#outageSinceMs === null) return;
    if (nowMs - this.#outageSinceMs < OUTAGE_MS) return;
    this.#outageSinceMs = nowMs;
    this.#request("dr", true);
  }

  #later(runId: string, command: RunCommand): void {
    const { operators: temper } = this.#world.settings;
    const delayMs = (temper.answersAfterMs ?? 0) * (0.5 + this.#chance.next());
    this.#world.scheduler.after(delayMs, () => this.#tell(runId, command));
    if (!temper.repeatsItself) return;
    this.#world.scheduler.after(delayMs + 1_500, () => this.#tell(runId, command));
  }

  /** Through whichever controller says that it leads, and again a little later if none takes it. */
  #tell(runId: string, command: RunCommand): void {
    this.#sent += 1;
    this.#say({ runId, command, key: `command-${this.#sent}` }, TRIES_MAX);
  }

  #say(order: Order, triesLeft: number): void {
    const again = (): void => {
      if (triesLeft <= 1) return;
      this.#world.scheduler.after(LOOK_EVERY_MS, () => this.#say(order, triesLeft - 1));
    };
    for (const { acting, process } of this.#controllers) {
      if (acting === null || !process.running) continue;
      const { runId, command, key } = order;
      this.#world.truth.note(`people: ${command.kind} ${runId}`);
      let isOpen = true;
      const settle = (isTaken: boolean): void => {
        if (isOpen && !isTaken) again();
        isOpen = false;
      };
      this.#world.scheduler.after(PATIENCE_MS, () => settle(false));
      acting.runner.command(runId, command, key).then(
        () => settle(true),
        (error: unknown) => settle(!(error instanceof CloudPhoenixError && error.retryable)),
      );
      return;
    }
    again();
  }

  #request(kind: "switchover" | "dr" | "rollback", acceptLoss: boolean): void {
    for (const { acting, process } of this.#controllers) {
      if (acting === null || !process.running) continue;
      this.#world.truth.note(`people: ask for ${kind}`);
      acting.loop
        .request({ kind, reason: "by hand", acceptLoss, by: this.#chance.pick(NAMES) })
        .catch((error: unknown) => {
          if (hasCode(error, "INTERNAL")) {
            this.#world.truth.violate("defect", `a request broke: ${String(error)}`);
          }
        });
      return;
    }
  }
}

function isAsking({ status, result }: StepRecord): boolean {
  return status === "running" && approvalAskedBy(result) !== null;
}
