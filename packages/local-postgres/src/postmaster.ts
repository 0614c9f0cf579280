/**
 * The main process of one server, found through the file it leaves in its data directory.
 *
 * A pid in a file proves nothing: it may be dead, unreaped, or belong to another program by now. A
 * process counts as this server only if its command line names the data directory.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What `postmaster.pid` says. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** First socket directory; empty if the server has none. */
  readonly socketDirectory: string;
  /** First address it listens on; empty if it has none. */
  readonly listenAddress: string;
  /** Whether the addresses above are known already: they are written while the server starts. */
  readonly settled: boolean;
}

/** The living main process of the server in `dataDirectory`; null if there is none. */
export function livingPostmaster(dataDirectory: string): Postmaster | null {
  const found = readPidFile(dataDirectory);
  if (found === null) return null;
  return names(commandOf(found.pid), dataDirectory) ? found : null;
}

/** Whether any process has this pid, whoever owns it. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * Removes lock files left by a dead server whose pid looks alive (unreaped, or given to another
 * program); PostgreSQL itself would refuse to start. Should a server start in the same
 * moment, its shared memory still keeps a second one out.
 */
export function removeStaleLocks(dataDirectory: string, socketLock: string | null): void {
  if (livingPostmaster(dataDirectory) !== null) return;
  rmSync(join(dataDirectory, "postmaster.pid"), { force: true });
  if (socketLock === null) return;
  const holder = Number(readOrEmpty(socketLock).split("\n")[0]);
  if (!commandOf(holder).includes("postgres")) rmSync(socketLock, { force: true });
}

/**
 * Kills the whole server the way a power cut would: nothing is flushed, nobody says goodbye.
 *
 * The main process is frozen first so that it starts nothing new; then the senders of the log, so
 * that nothing more leaves; then everything else; the main process last.
 */
export function killServer(postmaster: number): void {
  sendSignal(postmaster, "SIGSTOP");
  const children = listProcesses().filter((process) => process.parent === postmaster);
  for (const child of children) {
    if (child.command.includes("walsender")) sendSignal(child.pid, "SIGKILL");
  }
  for (const child of children) sendSignal(child.pid, "SIGKILL");
  sendSignal(postmaster, "SIGKILL");
}

/** Sends `signal`; a process that is gone already is success. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function readPidFile(dataDirectory: string): Postmaster | null {
  let lines: readonly string[];
  try {
    lines = readFileSync(join(dataDirectory, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1) return null;
  return {
    pid,
    port: Number(lines[3] ?? 0),
    socketDirectory: lines[4] ?? "",
    listenAddress: lines[5] ?? "",
    settled: (lines[7] ?? "") !== "",
  };
}

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** The command line of a process; empty if it is gone or waits to be reaped. */
function commandOf(pid: number): string {
  if (process.platform === "linux") return readOrEmpty(`/proc/${pid}/cmdline`);
  return listProcesses().find((process) => process.pid === pid)?.command ?? "";
}

/** Whether one of the arguments is `path`. Only Linux tells where arguments begin and end. */
function names(command: string, path: string): boolean {
  return process.platform === "linux" ? command.split("\0").includes(path) : command.includes(path);
}

function listProcesses(): readonly ProcessEntry[] {
  return process.platform === "linux" ? processesOfProc() : processesOfPs();
}

function processesOfProc(): readonly ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .map((name) => {
      // The second field of stat is the program's name in parentheses and may contain anything.
      const stat = readOrEmpty(`/proc/${name}/stat`);
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const command = readOrEmpty(`/proc/${name}/cmdline`);
      return { pid: Number(name), parent: Number(fields[1] ?? 0), command };
    });
}

function processesOfPs(): readonly ProcessEntry[] {
  const output = execFileSync("ps", ["-axo", "pid=,ppid=,command="], { encoding: "utf8" });
  return output.split("\n").flatMap((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/u.exec(line) ?? [];
    if (pid === undefined || parent === undefined) return [];
    return [{ pid: Number(pid), parent: Number(parent), command: command ?? "" }];
  });
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
