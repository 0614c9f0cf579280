/** The contracts of the ports this adapter implements, on a real PostgreSQL. */
import type { RunProgram } from "@cloudphoenix/engine";
import {
  type RunnerHarness,
  describeObjectMemory,
  describePlanRunner,
  describeStateStores,
  describeWorkQueue,
} from "@cloudphoenix/testkit";
import { DbosPlanRunner, openStateDatabase } from "../src/index.ts";
import { openState, query, systemClock, useStateServer } from "./state-server.ts";

const { freshUrl, launchedUrl } = useStateServer();

describeStateStores({
  name: "PostgreSQL",
  setup: async (initialRoles) => {
    const state = await openStateDatabase({
      url: freshUrl(),
      application: "shop",
      initialRoles,
      log: () => undefined,
    });
    return { ...state, stop: () => state.close() };
  },
});

describeWorkQueue({
  name: "PostgreSQL",
  setup: async () => {
    const url = freshUrl();
    const [state, another] = [await openState(url), await openState(url)];
    return {
      queue: state.work,
      another: another.work,
      // Nobody can wind the database's clock on: what waits for an instant is moved back instead.
      pass: async (ms) => {
        await query(
          url,
          `update cloudphoenix.task set due_at = due_at - $1 * interval '1 ms',
             ended_at = ended_at - $1 * interval '1 ms'`,
          [ms],
        );
      },
      stop: async () => {
        await state.close();
        await another.close();
      },
    };
  },
});

describeObjectMemory({
  name: "PostgreSQL",
  setup: async () => {
    const state = await openState(freshUrl());
    // Another pair knows nothing of this one, and the other way round.
    const other = state.objectMemory("c d");
    await other.tombstones.noteMissing(await other.tombstones.openRound(), [
      { name: "b", targetEtag: "e1" },
    ]);
    return { ...state.objectMemory("a b"), stop: () => state.close() };
  },
});

describePlanRunner({
  name: "DBOS",
  setup: async (program) => DbosHarness.launched(await launchedUrl(), program(systemClock)),
});

/** Restarting closes the runner in the middle of whatever it does; kill-campaign.test.ts kills it. */
class DbosHarness implements RunnerHarness {
  readonly clock = systemClock;
  runner: DbosPlanRunner;
  readonly #launch: () => Promise<DbosPlanRunner>;

  private constructor(launch: () => Promise<DbosPlanRunner>, runner: DbosPlanRunner) {
    this.#launch = launch;
    this.runner = runner;
  }

  static async launched(url: string, program: RunProgram): Promise<DbosHarness> {
    const launch = (): Promise<DbosPlanRunner> =>
      DbosPlanRunner.launch({
        ...program,
        url,
        leadership: { epoch: 1, lost: new AbortController().signal },
        clock: systemClock,
        log: () => undefined,
      });
    return new DbosHarness(launch, await launch());
  }

  async until(done: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await done())) await this.clock.sleep(10);
  }

  async restart(): Promise<void> {
    await this.runner.close();
    this.runner = await this.#launch();
  }

  async stop(): Promise<void> {
    await this.runner.close();
  }
}
