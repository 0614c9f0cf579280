/**
 * What a run does while it waits for people: it looks, less and less often, whether it still has to.
 *
 * 1. A lost region may come back, and a means of fencing or a cloud's API answer again, while those who
 *    were asked are still waking up. Then the run goes on by itself.
 * 2. Only what nobody has to say anything about any more changes anything. A question stands as it was
 *    asked for as long as there is one, with its number: people agree to what they read.
 * 3. A failure that will not pass by itself, a question that no step raised and a run that somebody
 *    paused are left alone.
 */
import type { PlanStep, RunCommand } from "@cloudphoenix/core";
import { tryAgain } from "./execute-step.ts";
import { awaitCommand } from "./operator-commands.ts";
import { type RunSession, note } from "./run-session.ts";
import { type Failure, type Question, type StepOutcome, mayPass } from "./step-outcome.ts";

const FIRST_LOOK_MS = 10_000;
const LOOK_MAX_MS = 300_000;
const GROWTH = 1.5;

/** What people are asked about, and for how long. */
export interface Standing {
  readonly step: PlanStep;
  /** Why the run waits. */
  readonly outcome: Question | Failure;
  /** May be infinite; begins anew with every command. */
  readonly limitMs: number;
}

export type Waited =
  | { readonly kind: "command"; readonly command: RunCommand }
  /** The step has got further by itself. */
  | { readonly kind: "news"; readonly outcome: StepOutcome }
  | { readonly kind: "expired" };

/** Waits for people, as often as it is called; keeps count of its looks. */
export class PeopleOrNews {
  readonly #session: RunSession;
  readonly #standing: Standing;
  #nextLookMs = FIRST_LOOK_MS;

  constructor(session: RunSession, standing: Standing) {
    this.#session = session;
    this.#standing = standing;
  }

  async next(): Promise<Waited> {
    for (let leftMs = this.#standing.limitMs; leftMs > 0; ) {
      const waitMs = Math.min(leftMs, this.#looks() ? this.#nextLookMs : Number.POSITIVE_INFINITY);
      const command = await awaitCommand(this.#session, waitMs);
      if (command !== null) return { kind: "command", command };
      leftMs -= waitMs;
      const outcome = this.#looks() ? await this.#look() : null;
      if (outcome !== null) return { kind: "news", outcome };
    }
    return { kind: "expired" };
  }

  #looks(): boolean {
    const { step, outcome } = this.#standing;
    if (this.#session.pauseAskedBy !== null || step.action.kind === "approval") return false;
    return outcome.kind === "approval-needed" || mayPass(outcome);
  }

  async #look(): Promise<StepOutcome | null> {
    const session = this.#session;
    const { context, plan, deps } = session;
    const { step, outcome: before } = this.#standing;
    this.#nextLookMs = Math.min(LOOK_MAX_MS, this.#nextLookMs * GROWTH);
    session.notes += 1;
    const name = `again:${step.id}#${session.notes}`;
    const outcome = await tryAgain(context, { plan, step, name, before }, deps);
    if (outcome === null) return null;
    session.outcomes.set(step.id, outcome);
    if (outcome.kind === "done") {
      const text = `${step.id} is done after all, and nobody has to say anything about it`;
      await note(session, { status: "running", event: { kind: "resumed", step: step.id, text } });
    }
    return outcome;
  }
}
