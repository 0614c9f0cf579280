/** Ends and removes what an earlier run of a sandbox left behind. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  globSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { ProcessRegistry, signalProcess } from "../process/index.ts";
import type { Layout } from "./layout.ts";

/** Marks a folder as ours to empty. */
const MARKER = "SANDBOX";

/**
 * Kills leftover processes and empties the home of the sandbox, the lock excepted.
 * @returns names of the processes that were ended
 * @throws {CloudPhoenixError} `CONFLICT` if the folder holds something that is not a sandbox
 */
export async function clearLeftovers(layout: Layout): Promise<readonly string[]> {
  const marker = join(layout.home, MARKER);
  const found = readdirSync(layout.home).filter((name) => !name.startsWith("lock"));
  if (found.length > 0 && !existsSync(marker)) {
    throw new CloudPhoenixError("CONFLICT", `${layout.home} is not a folder of a sandbox`, {
      retryable: false,
      hint: "Choose another --name or directory, or empty the folder yourself.",
    });
  }
  writeFileSync(marker, "This folder belongs to a CloudPhoenix sandbox and is emptied by it.\n");
  const ended = await new ProcessRegistry(layout.processes).sweep();
  const servers = killServers(layout);
  for (const name of found) {
    if (name !== MARKER) rmSync(join(layout.home, name), { recursive: true, force: true });
  }
  return [...ended.map(({ name }) => name), ...servers];
}

/** Removes every file of a sandbox that has ended, and the servers a killed controller left in it. */
export function removeHome(layout: Layout): void {
  killServers(layout);
  rmSync(layout.home, { recursive: true, force: true });
  try {
    rmdirSync(layout.asked);
  } catch {
    // Gone with the home, or not empty: what somebody put there is not ours to remove.
  }
}

/**
 * Kills PostgreSQL servers that nobody recorded: those of a controller that was killed. A pid file
 * counts only if the process it names has this very data directory among its arguments.
 */
function killServers({ home }: Layout): readonly string[] {
  const killed: string[] = [];
  for (const file of globSync(join(home, "**/postmaster.pid"))) {
    const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
    if (!Number.isSafeInteger(pid) || pid <= 1) continue;
    if (!argumentsOf(pid).includes(dirname(file))) continue;
    signalProcess(pid, "SIGKILL");
    killed.push(`postgres of ${dirname(file)}`);
  }
  return killed;
}

function argumentsOf(pid: number): readonly string[] {
  try {
    if (process.platform === "linux") {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    }
    const command = execFileSync("ps", ["-p", String(pid), "-o", "command="], { encoding: "utf8" });
    return command.trim().split(" ");
  } catch {
    return [];
  }
}
