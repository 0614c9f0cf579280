/** Which phase of a failover the world is in, and who waits for one to begin. */
import type { StepKind } from "@cloudphoenix/core";

export const PHASES = [
  "idle",
  "deciding",
  "fencing",
  "promoting",
  "switching",
  "opening",
  "after",
] as const;
export type Phase = (typeof PHASES)[number];

const PHASE_OF_STEP: Partial<Record<StepKind, Phase>> = {
  "fence-site": "fencing",
  "measure-loss": "promoting",
  "drain-replication": "promoting",
  "promote-database": "promoting",
  "scale-workload": "promoting",
  "verify-site": "promoting",
  "switch-traffic": "switching",
  "open-writes": "opening",
  "verify-convergence": "after",
  report: "after",
};

export class PhaseClock {
  #now: Phase = "idle";
  readonly #waiting = new Map<Phase, (() => void)[]>();

  get now(): Phase {
    return this.#now;
  }

  /** A step of a move begins. */
  stepBegins(kind: StepKind): void {
    const phase = PHASE_OF_STEP[kind];
    // Scaling and a first look come before the fence in a planned move.
    if (
      phase === undefined ||
      (phase === "promoting" && this.#now !== "fencing" && this.#now !== phase)
    ) {
      return;
    }
    this.#enter(phase);
  }

  /** The score of the active site has risen, or fallen again. */
  scoreChanged(isBad: boolean): void {
    if (this.#now === "idle" && isBad) this.#enter("deciding");
    else if (this.#now === "deciding" && !isBad) this.#enter("idle");
  }

  /** Calls `then` the first time the phase begins; at once if it is that phase now. */
  onceIn(phase: Phase, then: () => void): void {
    if (phase === this.#now) {
      then();
      return;
    }
    const waiting = this.#waiting.get(phase) ?? [];
    waiting.push(then);
    this.#waiting.set(phase, waiting);
  }

  #enter(phase: Phase): void {
    if (phase === this.#now) return;
    this.#now = phase;
    const waiting = this.#waiting.get(phase) ?? [];
    this.#waiting.delete(phase);
    for (const then of waiting) then();
  }
}
