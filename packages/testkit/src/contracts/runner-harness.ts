/** What a plan runner brings to be judged by the contract suites. */
import type { Clock, PlanRunner, RunProgram } from "@cloudphoenix/engine";

export interface RunnerHarness {
  /** The runner of the process that lives now; another one after `restart`. */
  readonly runner: PlanRunner;
  readonly clock: Clock;
  /** Lets a little time pass, again and again, until `done` answers true. */
  until(done: () => boolean | Promise<boolean>): Promise<void>;
  /** Ends the process as abruptly as it can be ended, and starts another on the same journal. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RunnerContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  /** A fresh runner with an empty journal that executes the program made for its clock. */
  readonly setup: (program: (clock: Clock) => RunProgram) => Promise<RunnerHarness>;
}
