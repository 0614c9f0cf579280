/** What a process and its children have used, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** Ticks in `/proc/<pid>/stat` are hundredths of a second on every Linux that Node.js runs on. */
const TICK_MS = 10;

/** Processor time of the tree in milliseconds, user and system. */
export function cpuMs(root: number): number {
  return treeOf(root).reduce((sum, pid) => sum + ticksOf(pid) * TICK_MS, 0);
}

/** Memory of the tree in MiB; pages shared between its processes count once. */
export function memoryMb(root: number): number {
  const kb = treeOf(root).reduce((sum, pid) => {
    const [, value = "0"] = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`)) ?? [];
    return sum + Number(value);
  }, 0);
  return kb / 1_024;
}

function treeOf(root: number): readonly number[] {
  const parents = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name): [number, number] => [Number(name), Number(fieldsOf(Number(name))[1] ?? 0)]),
  );
  const children = (pid: number): readonly number[] =>
    [...parents]
      .filter(([, parent]) => parent === pid)
      .flatMap(([child]) => [child, ...children(child)]);
  return [root, ...children(root)];
}

function ticksOf(pid: number): number {
  const fields = fieldsOf(pid);
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

/** The fields after the name, which may hold spaces; the first is the state. */
function fieldsOf(pid: number): readonly string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Empty for a process that has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
