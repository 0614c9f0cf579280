/** One simulated application with a runner, for the tests of this package. */
import {
  type AcceptedLoss,
  type Json,
  type Plan,
  type PlanKind,
  type PlanStep,
  type Policy,
  type RunCommand,
  type RunRecord,
  type StepAction,
  planFor,
} from "@cloudphoenix/core";
import {
  type CrashPoint,
  type InterpreterDeps,
  MemoryJournal,
  MemoryPlanRunner,
  type StepHandlers,
  type StepPorts,
  planProgram,
  stepHandlers,
} from "@cloudphoenix/engine";
import {
  SIMULATED_APPLICATION,
  SIMULATED_POLICY,
  SIMULATED_ROLES,
  SeededRandom,
  type SimulatedStores,
  SimulatedWorld,
  VirtualClock,
  simulatedPorts,
  simulatedStores,
} from "@cloudphoenix/testkit";

export const A = "aws-us-east-1";
export const B = "azure-westeurope";

/** Two weeks: longer than any wait a plan has. */
const LONG_MS = 14 * 86_400_000;

/** One call of a handler's `run`, and a way to let it happen. */
export interface HandlerCall {
  readonly action: StepAction;
  readonly step: PlanStep;
  readonly signal: AbortSignal;
  readonly run: () => Promise<Json>;
}

export type Tap = (call: HandlerCall) => Promise<Json>;

export class Simulation {
  readonly clock: VirtualClock = new VirtualClock();
  readonly world: SimulatedWorld = new SimulatedWorld(this.clock);
  readonly stores: SimulatedStores = simulatedStores();
  readonly journal: MemoryJournal = new MemoryJournal();
  readonly handlers: StepHandlers;
  runner: MemoryPlanRunner;
  #commands = 0;

  /** `tap` stands between the runner and every `run` of a handler. */
  constructor(
    tap: Tap = (call) => call.run(),
    policy: Policy = SIMULATED_POLICY,
    ports: Partial<StepPorts> = {},
  ) {
    const simulated = simulatedPorts(this.world, this.stores, policy);
    this.handlers = tapped(stepHandlers({ ...simulated, ...ports }), tap);
    this.runner = this.newRunner();
  }

  get deps(): InterpreterDeps {
    const { clock, stores, handlers } = this;
    return { clock, random: new SeededRandom(1), ...stores, handlers };
  }

  newRunner(crashAt?: CrashPoint): MemoryPlanRunner {
    this.runner = new MemoryPlanRunner({
      clock: this.clock,
      program: planProgram(this.deps),
      journal: this.journal,
      ...(crashAt === undefined ? {} : { crashAt }),
    });
    return this.runner;
  }

  /** A plan for `kind`, changed where a test needs it. */
  plan(
    kind: PlanKind,
    changes: Partial<Plan> = {},
    approvers: number = 0,
    acceptedLoss: AcceptedLoss | null = null,
  ): Plan {
    const plan = planFor({
      id: `run-${kind}`,
      kind,
      application: SIMULATED_APPLICATION,
      roles: SIMULATED_ROLES,
      target: kind === "heal" || kind === "rollback" ? A : B,
      nowMs: this.clock.now(),
      reason: "a test",
      approvers,
      acceptedLoss,
    });
    return { ...plan, ...changes };
  }

  /** Starts a plan and lets time pass until its run has ended. */
  async run(plan: Plan): Promise<RunRecord> {
    await this.runner.start(plan, "operator:ann");
    return this.untilStatus(plan.id, (run) => run.endedAtMs !== null);
  }

  /** Lets time pass until the run is as wanted. */
  async untilStatus(runId: string, wanted: (run: RunRecord) => boolean): Promise<RunRecord> {
    await this.clock.runUntil(async () => {
      const run = await this.stores.runs.get(runId);
      return run !== null && wanted(run);
    }, LONG_MS);
    return this.record(runId);
  }

  async tell(runId: string, command: RunCommand): Promise<void> {
    this.#commands += 1;
    await this.runner.command(runId, command, `command-${this.#commands}`);
  }

  async record(runId: string): Promise<RunRecord> {
    const run = await this.stores.runs.get(runId);
    if (run === null) throw new Error(`no run ${runId}`);
    return run;
  }

  async texts(runId: string): Promise<readonly string[]> {
    return (await this.stores.runs.events(runId)).map((event) => event.text);
  }
}

export function ended({ endedAtMs }: Pick<RunRecord, "endedAtMs">): boolean {
  return endedAtMs !== null;
}

/** Statuses of the steps, by id. */
export function statuses(run: RunRecord): Record<string, string> {
  return Object.fromEntries(run.steps.map((step) => [step.id, step.status]));
}

function tapped(handlers: StepHandlers, tap: Tap): StepHandlers {
  const wrapped = Object.entries(handlers).map(([kind, handler]) => [
    kind,
    {
      ...handler,
      run: (
        action: never,
        { step, signal, plan }: { step: PlanStep; signal: AbortSignal; plan: Plan },
      ) => tap({ action, step, signal, run: () => handler.run(action, { step, signal, plan }) }),
    },
  ]);
  return Object.assign({}, handlers, Object.fromEntries(wrapped));
}
