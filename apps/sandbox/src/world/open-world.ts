/** Opens a sandbox: from a name to two clouds, a controller, and a protected application. */
import { join } from "node:path";
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import type { NetworkOperations, NetworkSpec } from "../network/operations.ts";
import { Child, KeptProcess, Remote } from "../process/index.ts";
import { activePlace } from "./active-place.ts";
import { allSettled } from "./all-settled.ts";
import { awaitProtected } from "./await-protected.ts";
import { Cleanups } from "./cleanups.ts";
import { prepareDatabases } from "./databases.ts";
import { FaultBoard } from "./fault-board.ts";
import { type Ground, prepareGround } from "./ground.ts";
import { networkSpec } from "./network-spec.ts";
import { prepareObjects } from "./prepare-objects.ts";
import { type Place, PLACES } from "./places.ts";
import {
  agentProgram,
  controllerProgram,
  networkProgram,
  siteProgram,
  withClockOffset,
  workerProgram,
} from "./programs.ts";
import { readSecret, SECRETS } from "./secrets.ts";
import { SiteHandle } from "./site-handle.ts";
import { siteSpec } from "./site-spec.ts";
import { startStateServer } from "./state-server.ts";
import { World } from "./world.ts";
import { DELAY_MS_DEFAULT, type WorldOptions } from "./world-options.ts";

/** How long the controller may take until the application is protected. */
const PROTECTED_WITHIN_MS = 60_000;

/** A port that was free when it was picked may be gone when it is used; seldom twice. */
const OPENINGS_MAX = 3;

/**
 * Opens a sandbox and returns once its application is protected. If anything fails, what was
 * started is ended and the files stay for reading.
 * @throws {CloudPhoenixError} `ALREADY_RUNNING`, `PORT_TAKEN`, `UNSUPPORTED_PLATFORM`, `TIMED_OUT`,
 *   `ABORTED`, and what PostgreSQL and its set-up throw
 */
export async function openWorld(options: WorldOptions): Promise<World> {
  for (let opening = 1; ; opening += 1) {
    const cleanups = new Cleanups();
    try {
      return await open(options, cleanups);
    } catch (error) {
      // What cannot be ended now is ended by the next start; why it failed matters more.
      await cleanups.run().catch(() => {});
      if (opening === OPENINGS_MAX || !hasCode(error, "PORT_TAKEN")) throw error;
      options.onProgress?.("A port was taken meanwhile: beginning again with others");
    }
  }
}

async function open(options: WorldOptions, cleanups: Cleanups): Promise<World> {
  const signal = options.signal ?? new AbortController().signal;
  const step = stepper(options, signal);

  step("Preparing folder, ports, secrets and configuration");
  const ground = await prepareGround(options, cleanups);
  const spec = networkSpec(ground.layout, ground.ports, options.delayMs ?? DELAY_MS_DEFAULT);

  step("Starting the network, the state database and PostgreSQL at both sites");
  const clocks = options.clockOffsetsMs ?? {};
  const objects = options.objects ?? false;
  const sites = new Map(
    PLACES.map((place) => [
      place.id,
      siteHandle(place, ground, { options, clockOffsetMs: clocks[place.cloud] }),
    ]),
  );
  cleanups.add(() => Promise.all([...sites.values()].map((site) => site.stop())));
  const [network] = await allSettled([
    startNetwork(spec, ground, cleanups),
    startStateServer(ground, cleanups),
    ...[...sites.values()].map((site) => site.start()),
  ] as const);

  step(`Setting up roles, schema and replication${objects ? ", buckets and their events" : ""}`);
  const durability = options.durability ?? "async";
  await allSettled([
    prepareDatabases({ ...ground, durability, signal }),
    objects ? prepareObjects(ground, signal) : Promise.resolve(),
  ] as const);

  step("Starting the application and the agents");
  await allSettled([...sites.values()].map((site) => site.open({ idle: false })));
  const agent = agentProgram("internet", ground.layout, ground.ports);
  keep("internet-agent", withClockOffset(agent, clocks["internet"]), ground, cleanups);

  step("Starting the controller");
  const controllers = startControllers(options, ground, cleanups);
  const worker = objects
    ? keep(
        "worker",
        withClockOffset(workerProgram(ground.layout, ground.ports), clocks["control"]),
        ground,
        cleanups,
      )
    : null;
  const faults = new FaultBoard({
    network,
    links: spec.links,
    site: (place) => handleOf(sites, place),
  });
  const world = new World({ options, ground, network, controllers, worker, faults, cleanups });
  await world.serveControl();

  step("Waiting until the application is protected");
  await awaitProtected({
    urls: world.urls.controllers,
    token: readSecret(ground.layout, SECRETS.api),
    limitMs: PROTECTED_WITHIN_MS,
    controllers,
    signal,
  });
  return world;
}

function stepper(options: WorldOptions, signal: AbortSignal): (text: string) => void {
  return (text) => {
    if (signal.aborted) {
      throw new CloudPhoenixError("ABORTED", "opening the sandbox was given up", {
        retryable: false,
        cause: signal.reason,
      });
    }
    options.onProgress?.(text);
  };
}

function siteHandle(
  place: Place,
  ground: Ground,
  given: { readonly options: WorldOptions; readonly clockOffsetMs: number | undefined },
): SiteHandle {
  const { options, clockOffsetMs } = given;
  const { objects = false, controllers = 1, orderSettings = {} } = options;
  const dnsPort = ground.ports.get("dns");
  return new SiteHandle({
    program: withClockOffset(siteProgram(ground.layout), clockOffsetMs),
    spec: siteSpec(place, { ...ground, objects, controllers, orderSettings }),
    registry: ground.registry,
    isReplaced: async () => (await activePlace(dnsPort)).id !== place.id,
  });
}

function handleOf(sites: ReadonlyMap<string, SiteHandle>, place: Place): SiteHandle {
  const site = sites.get(place.id);
  if (site === undefined) throw new RangeError(`there is no site ${place.id}`);
  return site;
}

async function startNetwork(
  spec: NetworkSpec,
  { layout, registry }: Ground,
  cleanups: Cleanups,
): Promise<Remote<NetworkOperations>> {
  const child = Child.start({
    ...networkProgram(layout),
    name: "network",
    logFile: join(layout.logs, "network.log"),
    registry,
    talks: "ipc",
  });
  // Nothing in it outlives the process, so there is nothing to end in order.
  cleanups.add(() => child.kill());
  const network = new Remote<NetworkOperations>("network", child.process);
  await network.call("start", spec);
  return network;
}

function startControllers(
  options: WorldOptions,
  ground: Ground,
  cleanups: Cleanups,
): readonly KeptProcess[] {
  return Array.from({ length: options.controllers ?? 1 }, (_, index) =>
    keep(
      `controller-${index + 1}`,
      withClockOffset(
        controllerProgram(index + 1, ground.layout),
        options.clockOffsetsMs?.["control"],
      ),
      ground,
      cleanups,
    ),
  );
}

function keep(
  name: string,
  program: ReturnType<typeof controllerProgram>,
  { layout, registry }: Ground,
  cleanups: Cleanups,
): KeptProcess {
  const logFile = join(layout.logs, `${name}.log`);
  const kept = new KeptProcess({ ...program, name, logFile, registry });
  cleanups.add(() => kept.stop());
  return kept;
}
