/** Where a sandbox keeps what. */
import { join, resolve } from "node:path";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { reachableDirectory } from "@cloudphoenix/local-postgres";

/** Absolute paths of one sandbox. */
export interface Layout {
  /** The folder that was asked for; the same as `home` if PostgreSQL can get there. */
  readonly asked: string;
  /** Everything below is in here; it vanishes with the sandbox. */
  readonly home: string;
  readonly lockFile: string;
  readonly worldFile: string;
  readonly configFile: (controller: number) => string;
  readonly logs: string;
  readonly processes: string;
  readonly state: string;
  readonly secret: (name: string) => string;
  readonly secrets: string;
  readonly site: (cloud: string) => string;
  /** Shared by all sandboxes of a directory: PostgreSQL programs, copied if need be. */
  readonly cache: string;
}

/** The uid and gid PostgreSQL runs as when we are root; see `resolveOwner` of local-postgres. */
const UNPRIVILEGED = { uid: 65_534, gid: 65_534 };

/**
 * Paths of the sandbox `name` in `directory`. Makes its home; for root in a private directory that
 * is a stable place under the system's temporary directory, because PostgreSQL must get there.
 * @throws {CloudPhoenixError} `BAD_REQUEST` for a name that cannot be a folder
 */
export async function layoutOf(directory: string, name: string): Promise<Layout> {
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/u.test(name)) {
    throw new CloudPhoenixError("BAD_REQUEST", `"${name}" cannot name a sandbox`, {
      retryable: false,
      hint: "Use up to 31 lower case letters, digits and dashes.",
    });
  }
  const owner = process.geteuid?.() === 0 ? UNPRIVILEGED : null;
  const asked = resolve(directory, name);
  const home = await reachableDirectory(asked, owner);
  return {
    asked,
    home,
    lockFile: join(home, "lock"),
    worldFile: join(home, "world.json"),
    configFile: (controller) =>
      join(home, controller === 1 ? "config.yaml" : `config-${controller}.yaml`),
    logs: join(home, "logs"),
    processes: join(home, "processes"),
    state: join(home, "state-server"),
    secrets: join(home, "secrets"),
    secret: (secret) => join(home, "secrets", secret),
    site: (cloud) => join(home, "sites", cloud),
    cache: resolve(directory, "cache"),
  };
}
