import { readFileSync } from "node:fs";

/** Linux counts in hundredths of a second, whatever the kernel's own clock is. */
const TICK_MS = 10;

/** User and system time of a process so far. Linux only. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, in brackets, may hold anything: fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
