// Goal: a message that gets lost costs seconds of an outage, not the time a step may take.
import { CloudPhoenixError } from "@cloudphoenix/core";
import { VirtualClock } from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";
import { askUntilAnswered } from "../src/waiting/ask-until-answered.ts";
import { A, B, Simulation } from "./simulation.ts";

describe("a move from a dead site in which one request is lost", () => {
  test.each([
    { operation: `scale ${B}`, step: "scale-orders", times: 1 },
    // The first look is the one before the step, which is given up after a second.
    { operation: `workload ${B}`, step: "scale-orders", times: 2 },
    { operation: `check ${B}`, step: "verify-site", times: 1 },
    { operation: `switch ${B}`, step: "switch-traffic", times: 1 },
    { operation: "resolve", step: "switch-traffic", times: 2 },
    { operation: "converge", step: "verify-convergence", times: 1 },
  ])("($operation) asks again within the same try", async ({ operation, step, times }) => {
    const tookMs = await timeOf(new Simulation());
    const simulation = new Simulation();
    simulation.world.inject({ operation, how: "hang", times });

    expect(await timeOf(simulation)).toBeLessThan(tookMs + (times === 1 ? 3_100 : 4_100));
    const run = await simulation.record("run-dr");
    expect(run.steps.find(({ id }) => id === step)).toMatchObject({ status: "done", attempts: 1 });
  });

  test("(the look after the promotion) tries the step again, which finds its own work", async () => {
    const tookMs = await timeOf(new Simulation());
    const simulation = new Simulation();
    simulation.world.inject({ operation: `inspect ${B}`, how: "hang", times: 1 });

    expect(await timeOf(simulation)).toBeLessThan(tookMs + 6_000);
    const run = await simulation.record("run-dr");
    const promotion = run.steps.find(({ id }) => id === "promote-database");
    expect(promotion).toMatchObject({ status: "done", attempts: 2, result: { alreadyDone: true } });
  });
});

/** How long a move from a dead site takes. */
async function timeOf(simulation: Simulation): Promise<number> {
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });
  const beganAtMs = simulation.clock.now();
  expect((await simulation.run(simulation.plan("dr"))).status).toBe("completed");
  return simulation.clock.now() - beganAtMs;
}

describe("a question that is asked until it is answered", () => {
  const clock = new VirtualClock();

  interface Asked {
    readonly answer: Promise<unknown>;
    /** When it was asked, counted from the first time. */
    readonly atMs: number[];
    readonly stop: AbortController;
  }

  /** Asks `platform`, which is left 1 s at first. */
  function asked(platform: (signal: AbortSignal) => Promise<string>): Asked {
    const beganAtMs = clock.now();
    const [atMs, stop] = [[] as number[], new AbortController()];
    const ask = (signal: AbortSignal): Promise<string> => {
      atMs.push(clock.now() - beganAtMs);
      return platform(signal);
    };
    const question = { clock, patienceMs: 1_000, signal: stop.signal, what: "the platform", ask };
    // Failures are looked at after time has passed.
    const answer = askUntilAnswered(question).catch((error: unknown) => error);
    return { answer, atMs, stop };
  }

  test("is left more time each time, so that a slow platform gets through", async () => {
    const { answer, atMs } = asked(async (signal) => {
      await clock.sleep(3_500, signal);
      return "yes";
    });
    await clock.advance(3_000 + 3_500);
    expect(await answer).toBe("yes");
    expect(atMs).toEqual([0, 1_000, 3_000]);
  });

  test("ends when it is stopped, however often it has been asked", async () => {
    const { answer, atMs, stop } = asked(() => new Promise<string>(() => undefined));
    await clock.advance(20_000);
    stop.abort();
    await clock.advance(1);
    expect(await answer).toMatchObject({ code: "ABORTED" });
    expect(atMs).toEqual([0, 1_000, 3_000, 7_000, 15_000]);
  });

  test.each(["UNREACHABLE", "TIMED_OUT"] as const)(
    "is not asked again after an answer that is an error (%s)",
    async (code) => {
      const refused = new CloudPhoenixError(code, "refused", { retryable: true });
      const { answer, atMs } = asked(async (signal) => {
        await clock.sleep(500, signal);
        throw refused;
      });
      await clock.advance(1_000);
      expect(await answer).toBe(refused);
      expect(atMs).toEqual([0]);
    },
  );
});
