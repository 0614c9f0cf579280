// A controller that begins to lead while the active site is sick: who is called, and when.
import type { ObservationListener, ObservationSource } from "@cloudphoenix/engine";
import { SIMULATED_SIGNALS } from "@cloudphoenix/testkit";
import { expect, test } from "vitest";
import { LoopSimulation } from "./loop-simulation.ts";
import { A } from "./simulation.ts";

/** Two of the five questions about the active site, known when the watch begins: 7 of 18 points. */
const AGENTS: readonly string[] = [`${A}-external-uptime`, `${A}-cross-cloud`];
/** What the controller asks itself, later. */
const OWN: readonly string[] = [`${A}-service-health`];

class ScriptedAnswers implements ObservationSource {
  #listener: ObservationListener | null = null;

  start(listener: ObservationListener): void {
    this.#listener = listener;
  }

  async stop(): Promise<void> {
    this.#listener = null;
  }

  red(signals: readonly string[], atMs: number): void {
    for (const { id, vantages } of SIMULATED_SIGNALS.filter((one) => signals.includes(one.id))) {
      for (const vantage of vantages) {
        const answer = { status: "unhealthy", detail: "no answer", latencyMs: null } as const;
        this.#listener?.observed({ signal: id, vantage, atMs, ...answer });
      }
    }
  }
}

/** One that leads since now, to whom the agents have said that the active site is dead. */
async function takenOver(): Promise<{
  readonly simulation: LoopSimulation;
  readonly answers: ScriptedAnswers;
  readonly notices: () => readonly unknown[];
}> {
  const answers = new ScriptedAnswers();
  const simulation = new LoopSimulation({}, undefined, answers);
  await simulation.begin(0);
  answers.red(AGENTS, simulation.clock.now());
  return { simulation, answers, notices: () => Object.values(simulation.world.state.notices) };
}

test("nobody is called while the controller's own probes are still to come", async () => {
  const { simulation, answers, notices } = await takenOver();
  await simulation.clock.advance(1_200);
  expect(simulation.loop.decisions[0]).toMatchObject({
    verdict: "unknown",
    score: { points: 7 },
    action: { kind: "hold" },
  });
  expect(simulation.loop.explain()?.text).toContain("Not every probe has answered yet");
  answers.red(OWN, simulation.clock.now());
  await simulation.clock.advance(1_000);
  await simulation.end();

  expect(simulation.loop.decisions[0]).toMatchObject({ verdict: "heal", score: { points: 12 } });
  expect(simulation.verdicts()).toEqual(["unknown: hold", "none: hold", "heal: hold"]);
  expect(notices()).toEqual([]);
});

test("people are called once if the controller's own probes stay silent", async () => {
  const { simulation, answers, notices } = await takenOver();
  await simulation.clock.advance(1_400);
  expect(notices()).toEqual([]);
  for (let second = 0; second < 10; second += 1) {
    answers.red(AGENTS, simulation.clock.now());
    await simulation.clock.advance(1_000);
  }
  await simulation.end();

  expect(simulation.verdicts()).toEqual(["unknown: hold", "unknown: page"]);
  expect(notices()).toHaveLength(1);
  expect(notices().join()).toContain("39 % of the score of aws-us-east-1 is known");
});
