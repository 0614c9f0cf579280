/** Plans and handlers of the contract suites: nothing but steps that do what the suite says. */
import type { Json, Plan, PlanStep } from "@cloudphoenix/core";
import type { StepContext, StepHandler, StepHandlers } from "@cloudphoenix/engine";

let plans = 0;

/** A heal with these steps, one after the other, under an id that no other plan has. */
export function contractPlan(steps: readonly PlanStep[], changes: Partial<Plan> = {}): Plan {
  plans += 1;
  return {
    id: `contract-${plans}`,
    kind: "heal",
    application: "shop",
    generation: 1,
    parentGeneration: 1,
    createdAtMs: 0,
    from: "site-a",
    to: "site-a",
    reason: "the contract",
    onFailure: "wait",
    steps,
    ...changes,
  };
}

/** A step that needs the steps named; its undo is an action of its own. */
export function contractStep(id: string, needs: readonly string[] = []): PlanStep {
  return {
    id,
    action: { kind: "scale-workload", site: "site-a", workload: id, replicas: 1 },
    title: `do ${id}`,
    needs,
    timeoutMs: 30_000,
    retry: { attempts: 2, backoffMs: 10, backoffMaxMs: 10 },
    undo: { kind: "action", action: { kind: "restart-workload", site: "site-a", workload: id } },
    requires: [],
    bestEffort: false,
  };
}

/** What the suite lets a step do: called for `run` of the step and of its undo. */
export type ContractWork = (call: {
  readonly step: string;
  readonly undo: boolean;
  readonly signal: AbortSignal;
}) => Promise<Json>;

/** Handlers that do nothing but `work`. */
export function contractHandlers(work: ContractWork): StepHandlers {
  const handler: StepHandler = {
    skipPrecheck: true,
    inspect: async () => ({ current: "", intended: "", done: false }),
    run: (action, { step, signal }: StepContext) =>
      work({ step: step.id, undo: action.kind !== step.action.kind, signal }),
    verify: async () => ({ ok: true, detail: "ok" }),
  };
  return {
    approval: handler,
    pause: handler,
    "fence-site": handler,
    "unfence-site": handler,
    "measure-loss": handler,
    "drain-replication": handler,
    "drain-objects": handler,
    "promote-database": handler,
    "restart-database": handler,
    "scale-workload": handler,
    "restart-workload": handler,
    "verify-site": handler,
    "switch-traffic": handler,
    "open-writes": handler,
    "verify-convergence": handler,
    "settle-objects": handler,
    "record-salvage": handler,
    "rejoin-site": handler,
    "admit-site": handler,
    "compare-sites": handler,
    notify: handler,
    report: handler,
  };
}

/** Work that waits until it is let go, or until its signal aborts. */
export class Gate {
  #open: () => void = () => undefined;
  #opened: Promise<void>;
  /** How often something came to the gate. */
  arrivals = 0;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#opened = promise;
    this.#open = resolve;
  }

  open(): void {
    this.#open();
  }

  /** `aborted` if the signal ended the wait. */
  async pass(signal: AbortSignal): Promise<"opened" | "aborted"> {
    this.arrivals += 1;
    const aborted = Promise.withResolvers<"aborted">();
    if (signal.aborted) return "aborted";
    signal.addEventListener("abort", () => aborted.resolve("aborted"), { once: true });
    return Promise.race([aborted.promise, this.#opened.then(() => "opened" as const)]);
  }
}
