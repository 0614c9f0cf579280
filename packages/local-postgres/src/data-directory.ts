/**
 * Makes the data directory of a server, whole or not at all.
 *
 * initdb works in `data.init-<pid>-<n>`, which is renamed to `data` when it is complete: a crash in
 * the middle leaves rubbish that the next start sweeps, and of several first starts at once one wins.
 */
import { randomUUID } from "node:crypto";
import { chown, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PostgresBinaries } from "./binaries.ts";
import { LocalPostgresError } from "./error.ts";
import type { ProcessOwner } from "./owner.ts";
import { processExists } from "./postmaster.ts";
import { runProgram } from "./run-program.ts";
import { startFailure } from "./start-failure.ts";

/**
 * How clients prove who they are. `trust-socket`: whoever can enter the private socket directory
 * may connect, TCP is refused. `scram`: everybody needs the password kept in `passwordFile`.
 */
export type ServerAuth =
  | { readonly kind: "trust-socket" }
  | { readonly kind: "scram"; readonly passwordFile: string };

export interface NewCluster {
  /** Where `data` is or will be. */
  readonly directory: string;
  readonly binaries: PostgresBinaries;
  readonly owner: ProcessOwner | null;
  readonly superuser: string;
  readonly auth: ServerAuth;
  /** Whether it must outlive a power cut: false spares the wait until all of it is on disk. */
  readonly durable: boolean;
}

const INITDB_LIMIT_MS = 120_000;
const DRAFT = /^data\.init-(\d+)-/u;

/**
 * Returns the path of the data directory, making it if there is none. Idempotent.
 * @throws {LocalPostgresError} `STATE_VERSION` if it was made by another major version,
 *   `DISK_FULL`, or `STATE_UNAVAILABLE` with what initdb said
 */
export async function ensureDataDirectory(cluster: NewCluster): Promise<string> {
  const data = join(cluster.directory, "data");
  if (!(await hasCluster(data, cluster.binaries.major))) {
    await sweepDrafts(cluster.directory);
    await createCluster(cluster, data);
  }
  return data;
}

async function hasCluster(data: string, major: number): Promise<boolean> {
  let version: string;
  try {
    version = (await readFile(join(data, "PG_VERSION"), "utf8")).trim();
  } catch (cause) {
    if (isNodeError(cause, "ENOENT")) return false;
    throw new LocalPostgresError("STATE_UNAVAILABLE", `cannot read ${data}`, {
      hint: "Run as the user who made this directory.",
      cause,
    });
  }
  if (version === String(major)) return true;
  throw new LocalPostgresError(
    "STATE_VERSION",
    `${data} was made by PostgreSQL ${version}, but the programs found are PostgreSQL ${major}`,
    { hint: `Set CLOUDPHOENIX_PG_BIN to the programs of PostgreSQL ${version}.` },
  );
}

async function createCluster(cluster: NewCluster, data: string): Promise<void> {
  const name = `${process.pid}-${randomUUID().slice(0, 8)}`;
  const draft = join(cluster.directory, `data.init-${name}`);
  const passwordCopy = join(cluster.directory, `data.init-${name}.password`);
  try {
    await mkdir(draft, { mode: 0o700 });
    await give(draft, cluster.owner);
    await runInitdb(cluster, draft, await authArguments(cluster, passwordCopy));
    await renameUnlessWon(draft, data, cluster.binaries.major);
  } finally {
    await rm(passwordCopy, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
}

async function runInitdb(
  cluster: NewCluster,
  draft: string,
  auth: readonly string[],
): Promise<void> {
  const sync = cluster.durable ? [] : ["--no-sync"];
  const { exitCode, output } = await runProgram(
    cluster.binaries.initdb,
    ["-D", draft, "-U", cluster.superuser, "-E", "UTF8", "--locale=C", ...sync, ...auth],
    {
      owner: cluster.owner,
      libraryPath: cluster.binaries.libraryPath,
      cwd: cluster.directory,
      timeoutMs: INITDB_LIMIT_MS,
    },
  );
  if (exitCode !== 0) throw startFailure("initdb", output);
}

/** The password goes through a file: command lines are public. The server's user must read it. */
async function authArguments(
  { auth, owner }: NewCluster,
  passwordCopy: string,
): Promise<readonly string[]> {
  if (auth.kind === "trust-socket") return ["--auth-local=trust", "--auth-host=reject"];
  const password = await readFile(auth.passwordFile, "utf8");
  await writeFile(passwordCopy, password, { mode: 0o600, flag: "wx" });
  await give(passwordCopy, owner);
  return ["--auth=scram-sha-256", `--pwfile=${passwordCopy}`];
}

async function renameUnlessWon(draft: string, data: string, major: number): Promise<void> {
  try {
    await rename(draft, data);
  } catch (cause) {
    if (!isNodeError(cause, "ENOTEMPTY") && !isNodeError(cause, "EEXIST")) throw cause;
    if (await hasCluster(data, major)) return;
    throw new LocalPostgresError(
      "STATE_UNAVAILABLE",
      `${data} exists and is not a PostgreSQL data directory`,
      { hint: `Move ${data} away, or choose another directory.`, cause },
    );
  }
}

/** Removes drafts whose maker is gone. Those of living processes are work in progress. */
async function sweepDrafts(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = DRAFT.exec(name)?.[1];
    if (pid === undefined || processExists(Number(pid))) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

/** Hands `path` to `owner`; null leaves it with us. */
async function give(path: string, owner: ProcessOwner | null): Promise<void> {
  if (owner !== null) await chown(path, owner.uid, owner.gid);
}

function isNodeError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
