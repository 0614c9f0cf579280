/** What a process and its children have used, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** Ticks in `/proc/<pid>/stat` are hundredths of a second on every Linux that Node.js runs on. */
const TICK_MS = 10;

/** Processor time of the tree in milliseconds, user and system. */
export function cpuMs(root: number): number {
  return treeOf(root).reduce((sum, pid) => sum + ticksOf(pid) * TICK_MS, 0);
}

/**
 * Processor time in milliseconds that has been used on this machine by anything but this process and
 * what it has started, running or ended.
 */
export function foreignCpuMs(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = read("/proc/stat")
    .slice(0, 200)
    .split(/\s+/)
    .map(Number);
  const ended = fieldsOf(process.pid);
  const endedMs = (Number(ended[13] ?? 0) + Number(ended[14] ?? 0)) * TICK_MS;
  return (user + nice + system + irq + softirq) * TICK_MS - cpuMs(process.pid) - endedMs;
}

/**
 * Memory of the tree in MiB as if nothing else ran: every page once, whether its processes share it
 * or not. (The kernel's own proportional figure flatters a program that runs elsewhere, too.)
 */
export function memoryMb(root: number): number {
  const pids = treeOf(root);
  // Workers share pages of their own with the process they were forked from.
  const ownKb = pids.map((pid) => kbIn(read(`/proc/${pid}/smaps_rollup`), "Pss_Anon"));
  const fileKb = new Map<string, number>();
  for (const { file, kb } of pids.flatMap(filesOf)) {
    fileKb.set(file, Math.max(fileKb.get(file) ?? 0, kb));
  }
  return [...ownKb, ...fileKb.values()].reduce((sum, kb) => sum + kb, 0) / 1_024;
}

/** What is in memory of each part of a file that a process has mapped. */
function filesOf(pid: number): readonly { readonly file: string; readonly kb: number }[] {
  return read(`/proc/${pid}/smaps`)
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .map((mapping) => {
      const [, place = "", path = ""] = /^\S+ \S+ (\S+) \S+ \S+ +(\/.*)/.exec(mapping) ?? [];
      return { file: `${path} ${place}`, kb: kbIn(mapping, "Rss") - kbIn(mapping, "Anonymous") };
    })
    .filter(({ file }) => file !== " ");
}

function kbIn(text: string, name: string): number {
  return Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
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
