/** The ground a sandbox stands on: its folder, cleared and locked, with ports, secrets, configuration. */
import { mkdirSync, writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { ProcessRegistry, signalProcess } from "../process/index.ts";
import type { Cleanups } from "./cleanups.ts";
import { configurationDocument } from "./configuration-document.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { clearLeftovers } from "./leftovers.ts";
import { takeLock } from "./lock.ts";
import { claimPorts, type PortBook } from "./ports.ts";
import { writeSecrets } from "./secrets.ts";
import { portNeeds } from "./topology.ts";
import type { WorldOptions } from "./world-options.ts";

export interface Ground {
  readonly layout: Layout;
  readonly ports: PortBook;
  readonly registry: ProcessRegistry;
}

/**
 * Prepares everything that needs no process.
 * @throws {CloudPhoenixError} `ALREADY_RUNNING`, `CONFLICT`, `PORT_TAKEN`, `UNSUPPORTED_PLATFORM`,
 *   `BAD_REQUEST` for the name
 */
export async function prepareGround(options: WorldOptions, cleanups: Cleanups): Promise<Ground> {
  const layout = await layoutOf(options.directory, options.name);
  cleanups.add(takeLock(layout.lockFile, layout.home));
  const ended = await clearLeftovers(layout);
  if (ended.length > 0) {
    options.onProgress?.(`Ended what an earlier run left behind: ${ended.join(", ")}`);
  }
  mkdirSync(layout.logs, { recursive: true, mode: 0o700 });
  writeSecrets(layout);
  const { ports, release } = await claimPorts(portNeeds(), { next: () => Math.random() });
  cleanups.add(release);
  writeConfiguration(layout, ports, options);
  const registry = new ProcessRegistry(layout.processes);
  endAllOnExit(registry, cleanups);
  return { layout, ports, registry };
}

/** If our own process ends without closing the sandbox, nothing of it may go on. */
function endAllOnExit(registry: ProcessRegistry, cleanups: Cleanups): void {
  const endAll = (): void => {
    for (const { pid } of registry.alive()) signalProcess(pid, "SIGKILL");
  };
  process.once("exit", endAll);
  cleanups.add(() => process.off("exit", endAll));
}

function writeConfiguration(layout: Layout, ports: PortBook, options: WorldOptions): void {
  const controllers = options.controllers ?? 1;
  for (let controller = 1; controller <= controllers; controller += 1) {
    const document = configurationDocument({
      ports,
      durability: options.durability ?? "async",
      policy: options.policy ?? {},
      controller,
      lease: options.lease ?? {},
      objects: options.objects ?? false,
    });
    writeFileSync(layout.configFile(controller), stringify(document), { mode: 0o600 });
  }
}
