/** A simulated application with a decision loop that leads: disasters in, runs out. */
import type { Policy, RunRecord } from "@cloudphoenix/core";
import {
  DecisionLoop,
  type LoopEvent,
  type ObservationSource,
  Watch,
  replicationSignal,
} from "@cloudphoenix/engine";
import {
  SIMULATED_APPLICATION,
  SIMULATED_POLICY,
  SIMULATED_SIGNALS,
  SIMULATED_VANTAGES,
  SeededRandom,
  simulatedObservations,
  simulatedPorts,
  simulatedReplicationWatch,
} from "@cloudphoenix/testkit";
import { A, B, Simulation } from "./simulation.ts";

export class LoopSimulation extends Simulation {
  readonly blind: Set<string> = new Set();
  readonly events: LoopEvent[] = [];
  readonly leading: AbortController = new AbortController();
  readonly loop: DecisionLoop;
  readonly #watch: Watch;
  #running: Promise<void> = Promise.resolve();

  /** `source` answers instead of the simulated world. */
  constructor(policy: Partial<Policy> = {}, patienceMs?: number, source?: ObservationSource) {
    super();
    const replication = simulatedReplicationWatch(this.world);
    const settings = {
      application: SIMULATED_APPLICATION,
      policy: { ...SIMULATED_POLICY, ...policy },
      signals: SIMULATED_SIGNALS,
      vantages: SIMULATED_VANTAGES,
    };
    const simulated = [
      simulatedObservations(this.world, this.blind),
      replicationSignal({
        clock: this.clock,
        watch: replication,
        signals: SIMULATED_SIGNALS,
        sites: [A, B],
        active: () => this.activeSite(),
      }),
    ];
    const sources = source === undefined ? simulated : [source];
    this.#watch = new Watch({ ...settings, sources });
    const ports = simulatedPorts(this.world, this.stores);
    const patient = patienceMs === undefined ? {} : { patienceMs };
    this.loop = new DecisionLoop(settings, {
      ...ports,
      fencers: ports.fencers.map((fencer) => ({ ...fencer, ...patient })),
      ...this.stores,
      random: new SeededRandom(1),
      runner: this.runner,
      replication,
      handlers: this.handlers,
      watch: this.#watch,
    });
    this.loop.subscribe((event) => this.events.push(event));
  }

  activeSite(): string {
    return this.world.site(B).database.writesOpen ? B : A;
  }

  async begin(forMs = 5_000): Promise<void> {
    this.#watch.start();
    this.#running = this.loop.run(this.leading.signal);
    await this.clock.advance(forMs);
  }

  async end(): Promise<void> {
    this.leading.abort();
    await this.clock.advance(10);
    await this.#running;
    await this.#watch.stop();
  }

  async runs(): Promise<readonly RunRecord[]> {
    return this.stores.runs.list(10);
  }

  verdicts(): readonly string[] {
    return this.stores.audit.entries
      .filter((entry) => entry.who === "decision" && !entry.what.includes("run"))
      .map((entry) => entry.what);
  }

  troubles(): readonly string[] {
    return this.events.flatMap((event) => (event.kind === "trouble" ? [event.message] : []));
  }
}

/** One that has begun to lead. */
export async function leadingLoop(policy: Partial<Policy> = {}): Promise<LoopSimulation> {
  const simulation = new LoopSimulation(policy);
  await simulation.begin();
  return simulation;
}

/** What a person says with every request. */
export const REQUEST = { reason: "a drill", acceptLoss: false, by: "ann" } as const;
