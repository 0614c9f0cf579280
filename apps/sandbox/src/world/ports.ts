/**
 * Picks the ports of a sandbox: free ones, below 32768, from a block that no other sandbox uses.
 *
 * 1. Above that, Linux hands ports to outgoing connections, so a port that was free a moment ago may
 *    be taken by an unrelated connection when a server comes back to it after a restart.
 * 2. Most ports are used seconds after they were picked, some are left and come back (a pod, a
 *    database). Whoever listens on the first port of a block keeps other sandboxes out of all of it.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Random } from "@cloudphoenix/engine";
import { PLACES } from "./places.ts";

const PORT_MIN = 20_000;
const PORT_MAX = 31_999;
/** Twice what a sandbox needs: some may be taken by others. */
const BLOCK_SIZE = 150;
const BLOCKS = Math.floor((PORT_MAX - PORT_MIN + 1) / BLOCK_SIZE);

/** What a port is needed for. */
export interface PortNeed {
  readonly name: string;
  /** Addresses it must be free on. Default 127.0.0.1. */
  readonly hosts?: readonly string[];
  /** Whether UDP is needed too. Default false. */
  readonly udp?: boolean;
}

/** Ports by name. */
export class PortBook {
  readonly #ports: ReadonlyMap<string, number>;

  constructor(ports: ReadonlyMap<string, number>) {
    this.#ports = ports;
  }

  /** @throws {RangeError} if nobody asked for a port of this name */
  get(name: string): number {
    const port = this.#ports.get(name);
    if (port === undefined) throw new RangeError(`no port was picked for ${name}`);
    return port;
  }
}

/** The ports of one sandbox, and its claim to the block they are from. */
export interface PortClaim {
  readonly ports: PortBook;
  /** Lets other sandboxes use the block. */
  readonly release: () => Promise<void>;
}

/**
 * Finds a port for every need and keeps other sandboxes away from them until `release`.
 * @throws {CloudPhoenixError} `UNSUPPORTED_PLATFORM` if the machine lacks a loopback address,
 *   `PORT_TAKEN` if no block has enough free ports
 */
export async function claimPorts(needs: readonly PortNeed[], random: Random): Promise<PortClaim> {
  const start = Math.floor(random.next() * BLOCKS);
  for (let nth = 0; nth < BLOCKS; nth += 1) {
    const first = PORT_MIN + ((start + nth) % BLOCKS) * BLOCK_SIZE;
    const guard = await holdPort({ name: "guard" }, first);
    if (guard === null) continue;
    const ports = await pickInBlock(needs, first + 1, first + BLOCK_SIZE);
    if (ports !== null) return { ports, release: guard.release };
    await guard.release();
  }
  throw new CloudPhoenixError("PORT_TAKEN", `found no ${needs.length} free ports together`, {
    retryable: true,
    hint: `Free ports between ${PORT_MIN} and ${PORT_MAX}, or end another sandbox.`,
  });
}

/** Null if too few are free. All are held until the last is found, so no port is given twice. */
async function pickInBlock(
  needs: readonly PortNeed[],
  from: number,
  to: number,
): Promise<PortBook | null> {
  const held: Hold[] = [];
  const ports = new Map<string, number>();
  try {
    let port = from;
    for (const need of needs) {
      let hold: Hold | null = null;
      while (hold === null && port < to) {
        hold = await holdPort(need, port);
        port += 1;
      }
      if (hold === null) return null;
      held.push(hold);
      ports.set(need.name, hold.port);
    }
    return new PortBook(ports);
  } finally {
    await Promise.all(held.map((hold) => hold.release()));
  }
}

interface Hold {
  readonly port: number;
  readonly release: () => Promise<void>;
}

/** Null if the port is taken on one of the addresses. */
async function holdPort(need: PortNeed, port: number): Promise<Hold | null> {
  const closers: (() => Promise<unknown>)[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(closers.map((close) => close()));
  };
  try {
    for (const host of need.hosts ?? ["127.0.0.1"]) closers.push(await bindTcp(host, port));
    if (need.udp === true) closers.push(await bindUdp(port));
    return { port, release };
  } catch (error) {
    await release();
    if (codeOf(error) === "EADDRINUSE") return null;
    throw codeOf(error) === "EADDRNOTAVAIL" ? missingAddress(error) : error;
  }
}

async function bindTcp(host: string, port: number): Promise<() => Promise<unknown>> {
  const server: Server = createServer((socket) => socket.destroy());
  // Holding a port keeps no process alive.
  server.unref();
  server.listen(port, host);
  await once(server, "listening");
  return () => once(server.close(), "close");
}

async function bindUdp(port: number): Promise<() => Promise<unknown>> {
  const socket = createSocket("udp4");
  socket.bind(port, "127.0.0.1");
  await once(socket, "listening");
  return () => {
    socket.close();
    return once(socket, "close");
  };
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error ? String(error.code) : null;
}

/** Linux answers on all of 127.0.0.0/8; macOS only on addresses that were added by hand. */
function missingAddress(cause: unknown): CloudPhoenixError {
  const addresses = PLACES.map(({ address }) => address);
  return new CloudPhoenixError(
    "UNSUPPORTED_PLATFORM",
    `this machine has no loopback addresses ${addresses.join(" and ")}`,
    {
      retryable: false,
      hint: `Add them once: ${addresses.map((each) => `sudo ifconfig lo0 alias ${each} up`).join(" && ")}`,
      cause,
    },
  );
}
