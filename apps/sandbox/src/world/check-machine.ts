/** Finds out whether a sandbox could run here, before one is started. */
import { mkdirSync, statfsSync } from "node:fs";
import { resolve } from "node:path";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import { locateBinaries } from "@cloudphoenix/local-postgres";
import { pickPorts } from "./ports.ts";
import { portNeeds } from "./topology.ts";

/** One thing that was looked at. */
export interface MachineCheck {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it; null if there is nothing to do. */
  readonly hint: string | null;
}

/** Two empty clusters, a state database, their logs, and room to write for a while. */
const DISK_BYTES_MIN = 1024 ** 3;
const NODE_MAJOR_MIN = 24;

/** Every check, failed or not; changes nothing but makes `directory`. */
export async function checkMachine(directory: string): Promise<readonly MachineCheck[]> {
  return [
    checkNode(process.versions.node),
    await attempt("PostgreSQL programs", async () => {
      const { postgres, major } = await locateBinaries({
        cacheDirectory: resolve(directory, "cache"),
      });
      return `version ${major} (${postgres})`;
    }),
    await attempt("loopback addresses and free ports", async () => {
      const needs = portNeeds();
      await pickPorts(needs, { next: () => Math.random() });
      return `${needs.length} free ports found`;
    }),
    await attempt("disk space", async () => checkDisk(directory)),
  ];
}

function checkNode(version: string): MachineCheck {
  const ok = Number(version.split(".")[0]) >= NODE_MAJOR_MIN;
  return {
    check: "Node.js",
    ok,
    detail: `version ${version}`,
    hint: ok ? null : "Run through npm (`npm start`, `npx cloudphoenix`): it brings Node.js 24.",
  };
}

function checkDisk(directory: string): string {
  mkdirSync(directory, { recursive: true });
  const { bavail, bsize } = statfsSync(directory);
  const freeBytes = bavail * bsize;
  const gigabytes = (freeBytes / 1024 ** 3).toFixed(1);
  if (freeBytes >= DISK_BYTES_MIN) return `${gigabytes} GiB free in ${directory}`;
  throw new CloudPhoenixError("DISK_FULL", `only ${gigabytes} GiB free in ${directory}`, {
    retryable: false,
    hint: "Free 1 GiB, or choose another folder with --dir.",
  });
}

async function attempt(check: string, look: () => Promise<string>): Promise<MachineCheck> {
  try {
    return { check, ok: true, detail: await look(), hint: null };
  } catch (error) {
    return { check, ok: false, detail: messageOf(error), hint: hintOf(error) };
  }
}

/** PostgreSQL's launcher has an error class of its own, with the same fields. */
function hintOf(error: unknown): string | null {
  const hinted = error instanceof Error && "hint" in error && typeof error.hint === "string";
  return hinted ? String(error.hint) : null;
}
