/** Tells whether a process id still means the process it once meant. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * What no later process with the same id shares: the boot and the start time of the process.
 * Null if no such process lives (a zombie does not count).
 *
 * Linux reads /proc (`man 5 proc`, field 22 of stat: start time in clock ticks since boot);
 * elsewhere `ps` tells the start time.
 */
export function processIdentity(pid: number): string | null {
  return process.platform === "linux" ? identityFromProc(pid) : identityFromPs(pid);
}

function identityFromProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program name in brackets and may contain anything, so cut after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    if (state === undefined || state === "Z" || state === "X") return null;
    const startTicks = fields[19];
    return startTicks === undefined ? null : `${bootId()}/${startTicks}`;
  } catch {
    return null;
  }
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function identityFromPs(pid: number): string | null {
  try {
    return execFileSync("ps", ["-p", String(pid), "-o", "lstart="], { encoding: "utf8" }).trim();
  } catch {
    return null;
  }
}
