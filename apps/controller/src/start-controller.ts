/**
 * The life of one controller.
 *
 * 1. The API answers first, as a follower; acting begins with leadership and never without it.
 * 2. Leadership lost means: stop at once. Nothing is tidied up, because whatever takes time now is
 *    done by somebody who may no longer act. The caller ends the process.
 * 3. An orderly close leaves unfinished runs to the next leader, and the embedded PostgreSQL runs on.
 */

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import {
  type Log,
  openStateDatabase,
  PostgresLeaderElector,
  PostgresLeaseWitness,
  type StateDatabase,
} from "@cloudphoenix/adapter-dbos";
import type { Configuration, HostPort } from "@cloudphoenix/config";
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import { type RunStore, StateClock } from "@cloudphoenix/engine";
import { firstRoles, type StateAddress, stateAddress } from "@cloudphoenix/state";
import type { Environment } from "@cloudphoenix/stores";
import type { Logger } from "pino";
import type { Api, ApiDependencies } from "./api/api-dependencies.ts";
import { buildApi } from "./api/build-api.ts";
import { apiToken } from "./api-token.ts";
import { type ActingController, startActing } from "./composition/acting-controller.ts";
import { composeWorld, type World } from "./composition/compose-world.ts";
import { readSecrets } from "./composition/secrets.ts";
import { systemClock, systemRandom } from "./composition/system.ts";
import { EventHub } from "./events/event-hub.ts";
import { observedRunStore } from "./events/run-feed.ts";
import { ControllerMetrics } from "./metrics/controller-metrics.ts";
import { PRODUCT_VERSION } from "./product-version.ts";

/** Why a controller stopped acting without being told to. */
export type ControllerEnd =
  | { readonly kind: "leadership-lost"; readonly reason: string }
  | { readonly kind: "defect"; readonly error: unknown };

export interface ControllerOptions {
  readonly log: Logger;
  /** Overrides `api.listen`; port 0 takes a free one. */
  readonly listen?: HostPort;
  /** Called at most once. The caller must end the process: nothing may act any more. */
  readonly onEnd: (end: ControllerEnd) => void;
  /** Also stop the embedded PostgreSQL in `close`. */
  readonly stopStateDatabase?: boolean;
  /** Variables of the process, for credentials of object stores. Default: none. */
  readonly environment?: Environment;
}

export interface Controller {
  /** Base URL of the API. */
  readonly url: string;
  readonly token: string;
  /** Stops in an orderly way. Idempotent. */
  close(): Promise<void>;
}

const BEAT_EVERY_MS = 15_000;
const STATE_START_LIMIT_MS = 60_000;
const SET_CLOCK_EVERY_MS = 60_000;
/** Far more than clocks that are kept by NTP drift apart in a minute. */
const CLOCK_OFF_MS = 1_000;
/** Waits last a thousandth longer or shorter at most: twice what NTP daemons do to a clock. */
const CLOCK_PACE = { slewBy: 0.001, jumpsForward: false };

/**
 * Starts a controller and returns as soon as its API answers; it then waits to lead.
 * @throws {CloudPhoenixError} `CONFIG_INVALID` naming every unusable secret, `PORT_TAKEN`,
 *   `STATE_UNAVAILABLE`, …
 */
export async function startController(
  configuration: Configuration,
  options: ControllerOptions,
): Promise<Controller> {
  const controller = new RunningController(configuration, options);
  try {
    await controller.start();
    return controller;
  } catch (error) {
    await controller.close();
    throw error;
  }
}

/** What exists once the state database is open. */
interface Ground {
  readonly address: StateAddress;
  readonly state: StateDatabase;
  /** The time of the state database, which every controller goes by. */
  readonly clock: StateClock;
  readonly runs: RunStore;
  readonly elector: PostgresLeaderElector;
  readonly witness: PostgresLeaseWitness;
  /** Wired at the start, so that a wrong address is found then and not in the first outage. */
  readonly world: World;
}

class RunningController implements Controller {
  url = "";
  token = "";
  readonly #configuration: Configuration;
  readonly #options: ControllerOptions;
  readonly #stopping = new AbortController();
  readonly #metrics: ControllerMetrics;
  readonly #hub = new EventHub({ boot: randomBytes(6).toString("hex") });
  readonly #startedAtMs = systemClock.now();
  #ground: Ground | null = null;
  #api: Api | null = null;
  #beat: NodeJS.Timeout | null = null;
  #acting: ActingController | null = null;
  #closeActing: () => Promise<void> = async () => undefined;
  #observing: Promise<void> = Promise.resolve();
  #campaign: Promise<void> = Promise.resolve();
  /** From the election on: whatever decides and acts waits by the shared clock then. */
  #leads = false;
  #keepingTime: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(configuration: Configuration, options: ControllerOptions) {
    this.#configuration = configuration;
    this.#options = options;
    this.#metrics = new ControllerMetrics({ application: configuration.application.name });
  }

  async start(): Promise<void> {
    const { api, application } = this.#configuration;
    const { log } = this.#options;
    this.token = await apiToken(api.tokenFile);
    this.#ground = await this.#openGround();
    this.#metrics.watchClients(() => this.#hub.clients);
    this.#metrics.leads(false);
    this.#observeLease(this.#ground.world);
    this.#observeObjects(this.#ground.world);
    this.#api = await buildApi(this.#apiDependencies(this.#ground), { logger: log });
    this.url = await listen(this.#api, this.#options.listen ?? api.listen);
    this.#beat = setInterval(() => this.#hub.beat(), BEAT_EVERY_MS);
    log.info({ address: this.url, application: application.name }, "the API answers");
    this.#keepingTime = this.#keepTime(this.#ground.clock);
    this.#campaign = this.#leadSafely(this.#ground);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #openGround(): Promise<Ground> {
    const { application, state } = this.#configuration;
    const { log } = this.#options;
    const adapterLog: Log = (level, message) => log[level](message);
    const secrets = await readSecrets(this.#configuration);
    const address = await stateAddress(state, AbortSignal.timeout(STATE_START_LIMIT_MS));
    const database = await openStateDatabase({
      url: address.url,
      application: application.name,
      initialRoles: firstRoles(this.#configuration.application),
      log: adapterLog,
    });
    const clock = new StateClock(systemClock, () => database.time(), CLOCK_PACE);
    await clock.set();
    const runs = observedRunStore(database.runs, {
      hub: this.#hub,
      metrics: this.#metrics,
      onTrouble: (error) => log.warn({ detail: messageOf(error) }, "a run could not be shown"),
    });
    const elector = new PostgresLeaderElector({
      url: address.url,
      holder: `${hostname()}/${process.pid}`,
      clock: systemClock,
      log: adapterLog,
    });
    const witness = new PostgresLeaseWitness({
      application: application.name,
      url: address.url,
      log: adapterLog,
    });
    const { active } = await database.roles.read();
    const world = composeWorld({
      configuration: this.#configuration,
      secrets,
      clock,
      ownClock: systemClock,
      random: systemRandom,
      log,
      active,
      witness,
      facts: database.facts,
      copiedVersions: database.copiedVersions,
      work: database.work,
      environment: this.#options.environment ?? {},
    });
    return { address, state: database, clock, runs, elector, witness, world };
  }

  /** Nobody waits for this: without the state database the clock runs on as it was set last. */
  async #keepTime(clock: StateClock): Promise<void> {
    const stopping = this.#stopping.signal;
    for (;;) {
      await systemClock.sleep(SET_CLOCK_EVERY_MS, stopping).catch(() => undefined);
      if (stopping.aborted) return;
      await this.#setClock(clock);
    }
  }

  /** It may jump while nobody waits by it: before this controller leads. */
  async #setClock(clock: StateClock): Promise<void> {
    const { log } = this.#options;
    try {
      const aheadMs = await clock.set(() => !this.#leads);
      if (aheadMs === null) return;
      this.#metrics.clockAhead(aheadMs);
      if (Math.abs(aheadMs) > CLOCK_OFF_MS) {
        log.warn({ aheadMs: Math.round(aheadMs) }, "this clock and the state database's differ");
      }
    } catch (error) {
      log.debug({ detail: messageOf(error) }, "the state database did not tell the time");
    }
  }

  /**
   * Also while this controller follows: a fence waits from when the last renewal was first seen,
   * and whoever takes the lead over should not have to begin to look then.
   */
  #observeLease({ lease }: World): void {
    if (lease === null) return;
    const { observer } = lease;
    this.#observing = observer.run(this.#stopping.signal);
    const sites = this.#configuration.application.sites.map(({ id }) => id);
    this.#metrics.watchLease(sites, () => {
      const { seen } = observer;
      if (seen === null) return null;
      const { epoch, holder } = seen.stored.lease;
      return { epoch, holder, renewedAgoMs: systemClock.now() - seen.firstSeenMs };
    });
  }

  /** Also while this controller follows: what was there before the first look counts for nothing. */
  #observeObjects({ objects }: World): void {
    if (objects === null) return;
    const watching = objects.watch.run(this.#stopping.signal);
    this.#observing = Promise.all([this.#observing, watching]).then(() => undefined);
  }

  #apiDependencies({ state, clock, runs }: Ground): ApiDependencies {
    const { application, policy } = this.#configuration;
    return {
      application,
      policy,
      version: PRODUCT_VERSION,
      clock,
      startedAtMs: clock.now() - (systemClock.now() - this.#startedAtMs),
      token: this.token,
      roles: state.roles,
      runs,
      facts: state.facts,
      audit: state.audit,
      hub: this.#hub,
      leading: () => this.#acting?.room ?? null,
      metrics: () => this.#metrics.text(),
    };
  }

  async #leadSafely(ground: Ground): Promise<void> {
    try {
      await this.#lead(ground);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#acting = null;
      this.#options.onEnd({ kind: "defect", error });
    }
  }

  async #lead(ground: Ground): Promise<void> {
    const { log } = this.#options;
    const stopping = this.#stopping.signal;
    log.info("waiting to lead");
    const leadership = await ground.elector.lead(stopping);
    // A machine that was suspended is hours behind, and once it leads its clock may not jump.
    await this.#setClock(ground.clock);
    this.#leads = true;
    leadership.lost.addEventListener("abort", () => {
      if (stopping.aborted) return;
      this.#acting = null;
      this.#options.onEnd({ kind: "leadership-lost", reason: messageOf(leadership.lost.reason) });
    });
    const { world } = ground;
    const { active, generation } = await ground.state.roles.read();
    log.info({ epoch: leadership.epoch, active, generation }, "leading");
    // The roles may have changed while this controller followed.
    world.postgres.watch.setActive(active);
    const acting = await startActing({
      configuration: this.#configuration,
      world,
      state: ground.state,
      runs: ground.runs,
      stateUrl: ground.address.url,
      leadership,
      stopping,
      clock: ground.clock,
      random: systemRandom,
      hub: this.#hub,
      metrics: this.#metrics,
      log,
      adapterLog: (level, message) => log[level](message),
    });
    this.#closeActing = () => acting.close();
    this.#acting = acting;
    this.#metrics.leads(true);
    await acting.done;
  }

  async #close(): Promise<void> {
    const { log, stopStateDatabase = false } = this.#options;
    this.#stopping.abort();
    if (this.#beat !== null) clearInterval(this.#beat);
    this.#acting = null;
    this.#hub.close();
    await this.#api?.close();
    await this.#campaign;
    await this.#closeActing();
    await this.#observing;
    await this.#keepingTime;
    const ground = this.#ground;
    if (ground !== null) {
      await ground.world.postgres.close();
      await ground.elector.resign();
      await ground.witness.close();
      await ground.state.close();
      if (stopStateDatabase) await ground.address.server?.stop();
    }
    this.#metrics.close();
    log.info("stopped");
  }
}

async function listen(api: Api, { host, port }: HostPort): Promise<string> {
  try {
    return await api.listen({ host, port });
  } catch (cause) {
    const taken = hasCode(cause, "PORT_TAKEN") || messageOf(cause).includes("EADDRINUSE");
    if (!taken) throw cause;
    throw new CloudPhoenixError("PORT_TAKEN", `${host}:${port} is taken by another process`, {
      retryable: false,
      hint: "Stop the other process, or choose another port with --listen or api.listen.",
      cause,
    });
  }
}
