/** The acting half of a controller: everything that runs only while it leads. */

import { DbosPlanRunner, type Log, type StateDatabase } from "@cloudphoenix/adapter-dbos";
import type { Configuration } from "@cloudphoenix/config";
import { FINAL_RUN_STATUSES, messageOf } from "@cloudphoenix/core";
import {
  BrokenRuns,
  type Clock,
  DecisionLoop,
  executeStep,
  type InterpreterDeps,
  interpretPlan,
  type Leadership,
  QuarantineDesk,
  type Random,
  ReturnedPrimaries,
  type RunStore,
  SetupDesk,
  WaitingRuns,
  stepHandlers,
} from "@cloudphoenix/engine";
import type { Logger } from "pino";
import type { ControlRoom } from "../api/control-room.ts";
import { DecisionJournal } from "../events/decision-journal.ts";
import type { EventHub } from "../events/event-hub.ts";
import type { ControllerMetrics } from "../metrics/controller-metrics.ts";
import type { World } from "./compose-world.ts";
import { EngineControlRoom } from "./engine-control-room.ts";
import { establishLease, releaseLeases } from "./writer-lease-parts.ts";

export interface ActingParts {
  readonly configuration: Configuration;
  readonly world: World;
  readonly state: StateDatabase;
  /** The state's run store, with listeners. */
  readonly runs: RunStore;
  readonly stateUrl: string;
  readonly leadership: Leadership;
  /** Ends the loops in an orderly way. */
  readonly stopping: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly hub: EventHub;
  readonly metrics: ControllerMetrics;
  readonly log: Logger;
  readonly adapterLog: Log;
}

export interface ActingController {
  readonly room: ControlRoom;
  /** Rejects if the loop dies of a defect; resolves when it was told to stop. */
  readonly done: Promise<void>;
  /** Stops acting; unfinished runs are taken up by the next leader. */
  close(): Promise<void>;
}

/**
 * Resumes unfinished runs, starts watching and deciding.
 * @throws {CloudPhoenixError} `NOT_LEADER`, `STATE_UNAVAILABLE`
 */
export async function startActing(parts: ActingParts): Promise<ActingController> {
  const { world, leadership, log } = parts;
  const stop = AbortSignal.any([leadership.lost, parts.stopping]);
  const deps = interpreterDeps(parts);
  const runner = await launchRunner(parts, deps);
  const journal = new DecisionJournal(parts.hub, parts.metrics);
  const returned = returnedPrimaries(parts);
  const setup = setupDesk(parts, returned);
  const loop = decisionLoop(parts, { runner, deps, returned });
  loop.subscribe((event) => {
    if (event.kind === "decision") {
      const { situation } = loop;
      if (situation === null) return;
      journal.record({ decision: event.decision, situation });
      // During a move the watch finds out by itself who is active; at rest the roles say it.
      if (situation.activity.running === null) {
        world.postgres.watch.setActive(event.decision.active);
      }
    } else if (event.kind === "trouble") {
      log.warn({ detail: event.message }, "a look at the state failed");
    }
  });
  await countLivingRuns(parts);
  world.postgres.watch.start();
  world.watch.start();
  parts.metrics.watchProber(() => world.wheel.metrics());
  parts.metrics.watchCertificates(() => world.wheel.certificates());
  const done = Promise.all([
    loop.run(stop),
    returned.run(stop),
    setup.run(stop),
    leaseUpkeep(parts, stop),
    brokenRuns(parts, runner).run(stop),
    waitingRuns(parts).run(stop),
  ]).then(() => undefined);
  return {
    room: new EngineControlRoom({
      epoch: leadership.epoch,
      loop,
      runner,
      runs: parts.runs,
      journal,
      database: world.ports.databases,
      facts: parts.state.facts,
      quarantine: new QuarantineDesk({
        ...world.ports,
        facts: parts.state.facts,
        returned,
        divergentObjects: world.objects?.divergent ?? null,
      }),
      replicationSetup: setup,
    }),
    done,
    async close() {
      await done.catch(() => undefined);
      await world.watch.stop();
      await runner.close();
    },
  };
}

/** Ends once there is a lease, or at once if none is wanted. */
async function leaseUpkeep(parts: ActingParts, stop: AbortSignal): Promise<void> {
  const { configuration, world, state, clock, log } = parts;
  if (world.lease === null) {
    await releaseLeases({ configuration, postgres: world.postgres }, log, stop);
  } else {
    await establishLease(world.lease.writerLease, { roles: state.roles, clock, log }, stop);
  }
}

function interpreterDeps({ world, state, runs, clock, random }: ActingParts): InterpreterDeps {
  const { roles, facts, audit } = state;
  const handlers = stepHandlers({ ...world.ports, runs, facts });
  return { clock, random, roles, runs, audit, handlers };
}

async function launchRunner(parts: ActingParts, deps: InterpreterDeps): Promise<DbosPlanRunner> {
  const runner = await DbosPlanRunner.launch({
    url: parts.stateUrl,
    leadership: parts.leadership,
    interpret: (context, plan, startedBy) => interpretPlan(context, plan, deps, startedBy),
    executeBranch: (context, plan, stepId) => executeStep(context, plan, stepId, deps),
    clock: parts.clock,
    log: parts.adapterLog,
  });
  for (const { runId, kind, detail } of runner.concerns) {
    parts.log.warn({ run: runId, concern: kind }, detail);
  }
  return runner;
}

/** Tells clients, metrics and the log what is found. */
function returnedPrimaries(parts: ActingParts): ReturnedPrimaries {
  const { world, state, runs, hub, metrics, log } = parts;
  const { facts, audit, roles } = state;
  return new ReturnedPrimaries(
    { ...world.ports, runs, facts, audit, roles },
    {
      changed: (site, quarantine) => {
        metrics.quarantined(
          site,
          quarantine === null ? undefined : (quarantine.divergence?.transactions ?? null),
        );
        hub.publish("quarantine", { site, quarantine });
      },
      trouble: (message) => log.warn({ detail: message }, "a look at returned sites failed"),
    },
  );
}

/** Ends the records of runs that nothing goes on with. */
function brokenRuns(parts: ActingParts, runner: DbosPlanRunner): BrokenRuns {
  const { state, runs, clock, log } = parts;
  return new BrokenRuns({
    clock,
    runs,
    audit: state.audit,
    brokenBecause: (runId) => runner.brokenBecause(runId),
    trouble: (message) => log.warn({ detail: message }, "a look for broken runs failed"),
  });
}

/** Tells people of runs that wait for them or got stuck. */
function waitingRuns({ world, state, runs, clock, log }: ActingParts): WaitingRuns {
  return new WaitingRuns({
    clock,
    runs,
    roles: state.roles,
    facts: state.facts,
    notifier: world.ports.notifier,
    trouble: (message) => log.warn({ detail: message }, "people were not told of a run that waits"),
  });
}

/** Sets replication up when an operator orders it; the log tells of every turn it takes. */
function setupDesk(parts: ActingParts, returned: ReturnedPrimaries): SetupDesk {
  const { configuration, world, state, runs, clock, random, log } = parts;
  return new SetupDesk({
    application: configuration.application,
    clock,
    random,
    roles: state.roles,
    runs,
    facts: state.facts,
    audit: state.audit,
    replication: world.postgres,
    undecided: () => returned.facts.flatMap(({ site, mayRejoin }) => (mayRejoin ? [] : [site])),
    changed: ({ id, from, to, status, trouble }) => {
      const line = { setup: id, from, to, status };
      if (trouble === null) log.info(line, "setting up replication");
      else log.warn({ ...line, detail: trouble }, "setting up replication does not go on");
    },
  });
}

function decisionLoop(
  parts: ActingParts,
  acting: {
    readonly runner: DbosPlanRunner;
    readonly deps: InterpreterDeps;
    readonly returned: ReturnedPrimaries;
  },
): DecisionLoop {
  const { runner, deps, returned } = acting;
  const { configuration, world, state, runs, clock, random } = parts;
  const { application, policy, signals, vantages } = configuration;
  const { entry, fencers, notifier, objects, traffic } = world.ports;
  return new DecisionLoop(
    { application, policy, signals, vantages },
    {
      clock,
      random,
      runner,
      resumed: runner.resumed,
      runs,
      facts: state.facts,
      roles: state.roles,
      audit: state.audit,
      entry,
      fencers,
      replication: world.postgres.watch,
      objects,
      notifier,
      watch: world.watch,
      handlers: deps.handlers,
      traffic,
      quarantined: () => returned.facts,
    },
  );
}

/** So that metrics know runs that were alive before this process. */
async function countLivingRuns({ runs, metrics, log }: ActingParts): Promise<void> {
  try {
    for (const run of await runs.list(50)) {
      if (!FINAL_RUN_STATUSES.includes(run.status)) metrics.runStatus(run.id, run.status);
    }
  } catch (error) {
    log.warn({ detail: messageOf(error) }, "runs could not be counted");
  }
}
