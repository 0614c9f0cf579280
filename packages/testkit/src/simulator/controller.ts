/**
 * One controller: campaigns for the lead, and while it leads runs the real watch, decision loop,
 * step handlers and plan interpreter on simulated ports.
 *
 * A controller that lost the lead goes on with whatever is in flight until it notices, and its
 * process ends a little later: that is when a stale executor does harm, if it can.
 */
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import {
  DecisionLoop,
  type Fencer,
  LeaseObserver,
  type LeaseWitness,
  type ObservationSource,
  type Salvage,
  type StepPorts,
  Watch,
  WriterLease,
  replicationSignal,
  stepHandlers,
} from "@cloudphoenix/engine";
import { BeatMemory } from "./beat-memory.ts";
import { chanceOf } from "./chance.ts";
import { databaseControl, databaseHost, siteLease } from "./database-ports.ts";
import { JournaledRunner } from "./journaled-runner.ts";
import type { Leadership } from "./leader-lock.ts";
import { campaign } from "./leader-lock.ts";
import {
  convergenceProbe,
  explicitFencers,
  notifier,
  siteEntry,
  trafficSwitch,
  workloadControl,
} from "./platform-ports.ts";
import type { ProbeField } from "./probes.ts";
import type { Process } from "./process.ts";
import { SimulatedReplicationWatch } from "./replication-watch.ts";
import * as sabotage from "./sabotage.ts";
import * as stalls from "./stalls.ts";
import type { World } from "./world.ts";

const REBOOT_MS = 1_000;

/** Returned sites stay in quarantine here: bringing them home is for people. */
const unsupported = (): Promise<never> => Promise.reject(new Error("not simulated"));
const NO_SALVAGE: Salvage = {
  inspect: unsupported,
  rows: () => ({ [Symbol.asyncIterator]: () => ({ next: unsupported }) }),
  reapply: unsupported,
  rejoin: unsupported,
  compare: unsupported,
};

interface WatchedLease {
  readonly witness: LeaseWitness;
  readonly observer: LeaseObserver;
}

export class Controller {
  readonly process: Process;
  readonly #world: World;
  readonly #probes: ProbeField;
  /** What answers operators; null while this controller does not act. */
  acting: { readonly loop: DecisionLoop; readonly runner: JournaledRunner } | null = null;

  constructor(world: World, probes: ProbeField, name: string) {
    this.#world = world;
    this.#probes = probes;
    this.process = world.newProcess(name);
  }

  /** Starts the process; it campaigns until it leads, and starts again after every end. */
  boot(): void {
    this.acting = null;
    this.process.start();
    const { incarnation } = this.process;
    this.#live().catch((error: unknown) => {
      if (error instanceof CloudPhoenixError && error.retryable) this.#restart(incarnation);
      else this.#world.truth.violate("defect", `${this.process.name} died: ${String(error)}`);
    });
  }

  /** Ends the process, as its supervisor sees it, and lets it start again a little later. */
  #restart(incarnation: number): void {
    if (this.process.incarnation !== incarnation) return;
    this.crash();
    this.#world.scheduler.after(REBOOT_MS, () => {
      if (!this.process.up && !this.#world.heldDown.has(this.process)) this.boot();
    });
  }

  crash(): void {
    this.acting = null;
    this.process.crash();
  }

  async #live(): Promise<void> {
    const { incarnation } = this.process;
    const watched = this.#watchLease();
    const leadership = await campaign(this.#world.state, this.process);
    this.#world.truth.note(`${this.process.name} leads (epoch ${leadership.epoch})`);
    leadership.lost.addEventListener("abort", () => {
      this.#world.truth.note(`${this.process.name} notices that it leads no more`);
      this.acting = null;
      // Whatever is in flight goes on until the process has ended.
      this.#world.scheduler.after(this.#world.chance.between(0, 400), () =>
        this.#restart(incarnation),
      );
    });
    await this.#act(leadership, watched);
  }

  /** Also while it follows, as the real one does; for as long as its process lives. */
  #watchLease(): WatchedLease {
    const { state, settings } = this.#world;
    const { process } = this;
    const witness = sabotage.witness(this.#world, state.witnessFor(process));
    const everyMs = settings.terms.renewMs;
    const observer = new LeaseObserver({ clock: process.clock, witness, everyMs });
    void observer.run(new AbortController().signal);
    return { witness, observer };
  }

  async #act(leadership: Leadership, watched: WatchedLease): Promise<void> {
    const { state, settings } = this.#world;
    const { process } = this;
    const roles = state.rolesFor(process);
    const { active } = await patiently(() => roles.read(), process);
    const beats = new BeatMemory();
    this.#world.judge.leads(process.name);
    const watch = new SimulatedReplicationWatch(this.#world, process, beats, active);
    const ports = this.#ports(beats, watch, watched);
    const deps = {
      clock: process.clock,
      random: chanceOf(settings.seed, `${process.name}/${process.incarnation}`),
      roles,
      runs: state.runsFor(process),
      audit: state.auditFor(process),
      handlers: stalls.handlers(this.#world, sabotage.handlers(this.#world, stepHandlers(ports))),
    };
    const runner = new JournaledRunner({
      process,
      journal: state.journal,
      program: sabotage.program(this.#world, deps),
      ask: (effect) => state.ask(process, effect),
      subscribe: (runId, wake) => this.#world.wakeUps.subscribe(runId, process, wake),
      announce: (runId, cancelled) => this.#world.wakeUps.announce(runId, cancelled),
      gone: leadership.lost,
      onStart: (plan, startedBy) => this.#world.judge.began(process.name, plan, startedBy),
      onDefect: (runId, error) => {
        this.#world.truth.violate("defect", `run ${runId} broke off: ${String(error)}`);
      },
    });
    const observed = new Watch({
      signals: settings.signals,
      vantages: settings.vantages,
      sources: this.#sources(watch, active),
    });
    const policy = sabotage.policy(this.#world, settings.policy);
    const loop = new DecisionLoop(
      { ...settings, policy },
      { ...deps, ...ports, runner, replication: watch, watch: observed },
    );
    loop.subscribe((event) => {
      if (event.kind === "decision") this.#world.judge.decided(process.name, event.decision);
    });
    await runner.recover();
    watch.start(leadership.lost);
    observed.start();
    leadership.lost.addEventListener("abort", () => void observed.stop());
    this.acting = { loop, runner };
    await loop.run(leadership.lost);
  }

  #ports(
    beats: BeatMemory,
    watch: SimulatedReplicationWatch,
    { witness, observer }: WatchedLease,
  ): StepPorts {
    const world = this.#world;
    const { state, settings } = world;
    const { process } = this;
    const { terms, application } = settings;
    const writerLease = sabotage.writerLease(
      world,
      new WriterLease({
        application: application.name,
        sites: application.sites.map((site) => site.id),
        terms: sabotage.terms(world, terms),
        clock: sabotage.leaseClock(world, process.clock),
        stateClock: process.clock,
        witness,
        observer,
        siteLease: (site) => siteLease(world, process, site),
      }),
    );
    const databases = stalls.databases(world, databaseControl(world, process, beats));
    const fencers: readonly Fencer[] = [
      ...explicitFencers(world, process, databases).map((one) => stalls.fencer(world, one)),
      writerLease,
    ];
    return {
      application,
      policy: sabotage.policy(world, settings.policy),
      clock: process.clock,
      databases,
      replication: watch,
      databaseHosts: databaseHost(world, process),
      workloads: stalls.workloads(world, workloadControl(world, process)),
      fencers,
      writerLease,
      entry: siteEntry(world, process),
      traffic: trafficSwitch(world, process),
      convergence: convergenceProbe(world, process),
      notifier: notifier(world),
      salvage: NO_SALVAGE,
      objects: null,
      runs: state.runsFor(process),
      facts: state.factsFor(process),
    };
  }

  #sources(watch: SimulatedReplicationWatch, active: string): readonly ObservationSource[] {
    const world = this.#world;
    const { settings } = world;
    const { process } = this;
    const lag = replicationSignal({
      clock: process.clock,
      watch,
      signals: settings.signals,
      sites: settings.application.sites.map((site) => site.id),
      active: () => this.acting?.loop.situation?.roles.active ?? active,
    });
    const probes = this.#probes.sourceFor(process, (report) =>
      world.judge.heard(process.name, report),
    );
    return [
      sabotage.source(world, probes),
      {
        start: (listener) =>
          lag.start({
            observed(observation) {
              world.judge.heardLag(process.name, observation);
              listener.observed(observation);
            },
            sighted: (sight) => listener.sighted(sight),
          }),
        stop: () => lag.stop(),
      },
    ];
  }
}

/** Asks the state database again until it answers. */
async function patiently<T>(ask: () => Promise<T>, { clock }: Process): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!hasCode(error, "STATE_UNAVAILABLE") && !hasCode(error, "UNREACHABLE")) throw error;
      await clock.sleep(500);
    }
  }
}
