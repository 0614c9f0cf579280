/** Where the state database is: a server of the user's, or one of our own beside the controller. */
import { join } from "node:path";
import { readSecretFile, type StateConfiguration } from "@cloudphoenix/config";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { LocalPostgresError, type LocalServer, openServer } from "@cloudphoenix/local-postgres";

const DATABASE = "cloudphoenix";

export interface StateAddress {
  /** With a password if it needs one: never log it. */
  readonly url: string;
  /** Our own server; null if it is the user's. It outlives the controller on purpose. */
  readonly server: LocalServer | null;
}

/**
 * The address of the state database; starts the embedded PostgreSQL if it is ours and does not run.
 * @throws {CloudPhoenixError} with the code of what is in the way
 */
export async function stateAddress(
  state: StateConfiguration,
  signal: AbortSignal,
): Promise<StateAddress> {
  if (state.kind === "embedded") return startEmbedded(state.directory, signal);
  if (state.passwordFile === null) return { url: state.url, server: null };
  const url = new URL(state.url);
  url.password = encodeURIComponent(await readSecretFile(state.passwordFile));
  return { url: url.href, server: null };
}

async function startEmbedded(directory: string, signal: AbortSignal): Promise<StateAddress> {
  try {
    const server = await openServer({
      directory,
      auth: { kind: "trust-socket" },
      // A socket in a private folder: no port to collide with, no password to leak.
      socket: { directory: join(directory, "run") },
      tcp: null,
      // The state is small and its writers are few; memory belongs to the application.
      settings: { shared_buffers: "32MB", max_connections: "40" },
      signal,
    });
    return { url: server.url(DATABASE), server };
  } catch (error) {
    if (!(error instanceof LocalPostgresError)) throw error;
    const { code, message, retryable, hint } = error;
    throw new CloudPhoenixError(code, message, { retryable, hint, cause: error });
  }
}
