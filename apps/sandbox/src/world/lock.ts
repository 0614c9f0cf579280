/**
 * At most one process runs a sandbox.
 *
 * The lock is a file that appears with its content in one step (a hard link), so nobody ever reads
 * half of it. It counts only while the process it names lives: after a kill -9 the next one takes it.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { processIdentity } from "../process/index.ts";

interface Holder {
  readonly pid: number;
  readonly identity: string;
}

/** Two starts may race for a stale lock; each try settles one of them. */
const TRIES = 10;

/**
 * Takes the lock of the sandbox in `home`.
 * @returns what gives it back
 * @throws {CloudPhoenixError} `ALREADY_RUNNING` naming the process that holds it
 */
export function takeLock(lockFile: string, home: string): () => void {
  const mine: Holder = { pid: process.pid, identity: processIdentity(process.pid) ?? "" };
  const draft = `${lockFile}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (linkUnlessThere(draft, lockFile)) {
        return () => {
          if (readHolder(lockFile)?.identity === mine.identity) rmSync(lockFile, { force: true });
        };
      }
      refuseIfAlive(readHolder(lockFile), home);
      setAside(lockFile, home);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new CloudPhoenixError("CONFLICT", `several starts race for ${home}`, { retryable: true });
}

function linkUnlessThere(draft: string, lockFile: string): boolean {
  try {
    linkSync(draft, lockFile);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function refuseIfAlive(holder: Holder | null, home: string): void {
  if (holder === null || processIdentity(holder.pid) !== holder.identity) return;
  const message = `this sandbox already runs as process ${holder.pid} in ${home}`;
  throw new CloudPhoenixError("ALREADY_RUNNING", message, {
    retryable: false,
    hint: "Use the one that runs, end it with Ctrl-C, or choose another --name.",
  });
}

/** Moves a stale lock away; if another start was faster and the lock is a living one, puts it back. */
function setAside(lockFile: string, home: string): void {
  const aside = `${lockFile}.stale-${process.pid}`;
  try {
    renameSync(lockFile, aside);
  } catch {
    // Somebody else set it aside: the next try tells.
    return;
  }
  const moved = readHolder(aside);
  const living = moved !== null && processIdentity(moved.pid) === moved.identity;
  if (living) linkUnlessThere(aside, lockFile);
  rmSync(aside, { force: true });
  if (living) refuseIfAlive(moved, home);
}

function readHolder(file: string): Holder | null {
  try {
    const holder: Holder = JSON.parse(readFileSync(file, "utf8"));
    return holder;
  } catch {
    return null;
  }
}
