/** Whether this machine can run the sandbox, asked before anything is started. */
import { execFile } from "node:child_process";
import { accessSync, constants, mkdirSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { messageOf } from "@cloudphoenix/core";
import {
  LocalPostgresError,
  locateBinaries,
  reachableDirectory,
} from "@cloudphoenix/local-postgres";
import { PLACES } from "../world/places.ts";

/** One question about the machine and its answer. */
export interface MachineCheck {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it; null if it is fine. */
  readonly hint: string | null;
}

const NODE_MAJOR_MIN = 24;
const FREE_BYTES_MIN = 1024 ** 3;

/** Asks everything; never throws for a machine that is not fit. Changes nothing but `directory`. */
export async function checkMachine(directory: string): Promise<readonly MachineCheck[]> {
  return [
    nodeCheck(),
    await attempt("folder", () => folderCheck(directory)),
    await attempt("PostgreSQL", () => postgresCheck(directory)),
    ...(await Promise.all(
      PLACES.map((place) => attempt(`address of ${place.id}`, () => addressCheck(place.address))),
    )),
  ];
}

function nodeCheck(): MachineCheck {
  const ok = Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN;
  return {
    check: "Node.js",
    ok,
    detail: `${process.version} on ${process.platform}-${process.arch}`,
    hint: ok ? null : `Install Node.js ${NODE_MAJOR_MIN} or newer.`,
  };
}

interface Finding {
  readonly detail: string;
  readonly hint?: string;
}

/** A finding without a hint is fine; a throw is a failed check. */
async function attempt(check: string, ask: () => Promise<Finding>): Promise<MachineCheck> {
  try {
    const { detail, hint } = await ask();
    return { check, ok: hint === undefined, detail, hint: hint ?? null };
  } catch (error) {
    const hint = error instanceof LocalPostgresError ? error.hint : undefined;
    return { check, ok: false, detail: messageOf(error), hint: hint ?? "See the message." };
  }
}

async function folderCheck(directory: string): Promise<Finding> {
  const folder = await reachableDirectory(directory, null);
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK);
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const detail = `${folder}, ${(freeBytes / FREE_BYTES_MIN).toFixed(1)} GiB free`;
  return freeBytes >= FREE_BYTES_MIN ? { detail } : { detail, hint: "Free at least 1 GiB." };
}

async function postgresCheck(directory: string): Promise<Finding> {
  const binaries = await locateBinaries({ cacheDirectory: directory });
  const { stdout } = await promisify(execFile)(binaries.postgres, ["--version"], {
    env: { ...process.env, LD_LIBRARY_PATH: binaries.libraryPath ?? "" },
    timeout: 10_000,
  });
  return { detail: stdout.trim() };
}

/** Sites are told apart by address, because a DNS A record carries no port. */
function addressCheck(address: string): Promise<Finding> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => {
      resolve({
        detail: `${address} cannot be bound: ${error.message}`,
        hint: `On macOS: sudo ifconfig lo0 alias ${address}`,
      });
    });
    server.listen(0, address, () => {
      server.close(() => resolve({ detail: `${address} can be bound` }));
    });
  });
}
