/** The way in: from a wish to a running server. */
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type PostgresBinaries, locateBinaries } from "./binaries.ts";
import { type LauncherClock, systemClock } from "./clock.ts";
import { type ServerAuth, ensureDataDirectory } from "./data-directory.ts";
import { LocalPostgresError } from "./error.ts";
import { type ProcessOwner, resolveOwner } from "./owner.ts";
import { ensurePrivateDirectory } from "./private-directory.ts";
import { canReach, reachableDirectory, shortHash } from "./reachable-directory.ts";
import { LocalServer } from "./server.ts";

export interface ServerOptions {
  /** Where `data/` and `postgres.log` live. If the server's user cannot reach it: see `reachableDirectory`. */
  readonly directory: string;
  readonly auth: ServerAuth;
  /** A directory that will be private to the server's user, or null for no socket. */
  readonly socket: { readonly directory: string } | null;
  readonly tcp: { readonly host: string; readonly port: number } | null;
  /** Server settings, given on its command line: no secrets. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Name of the first role. Default `cloudphoenix`. Counts only when the data directory is made. */
  readonly superuser?: string | undefined;
  /** Default: what `locateBinaries` finds, cached in `directory`. */
  readonly binaries?: PostgresBinaries | undefined;
  /** Whom to run as when we are root. Default: `nobody`. Ignored otherwise. */
  readonly owner?: ProcessOwner | undefined;
  readonly clock?: LauncherClock | undefined;
  /** How long one start or stop may take. Default 30 s, enough to replay the log after a crash. */
  readonly limitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Number in the socket's name when there is no TCP port. Fixed, so that PGPORT cannot change it. */
const SOCKET_PORT = 5432;
/** The system's limit is 108 bytes on Linux and 104 on macOS, the final zero included. */
const SOCKET_PATH_MAX_BYTES = 100;

/**
 * Makes the data directory if there is none, starts the server if it does not run (a server left
 * by an earlier process is adopted), and resolves once it answers. Idempotent; several
 * processes may do it at once.
 * @throws {LocalPostgresError} with a code for each thing that can be in the way
 */
export async function openServer(options: ServerOptions): Promise<LocalServer> {
  requireWayIn(options);
  const owner = await resolveOwner(options.owner);
  const directory = await reachableDirectory(options.directory, owner);
  const binaries =
    options.binaries ?? (await locateBinaries({ cacheDirectory: directory, owner: options.owner }));
  const superuser = options.superuser ?? "cloudphoenix";
  const { auth } = options;
  const dataDirectory = await ensureDataDirectory({
    directory,
    binaries,
    owner,
    superuser,
    auth,
    // A server that never waits for its disk needs no beginning that did.
    durable: options.settings?.["fsync"] !== "off",
  });
  const port = options.tcp?.port ?? SOCKET_PORT;
  const socketDirectory = await socketDirectoryOf({ ...options, directory, port, owner });
  const server = new LocalServer({
    directory,
    dataDirectory,
    binaries,
    owner,
    auth,
    endpoint: { socketDirectory, tcpHost: options.tcp?.host ?? null, port, superuser },
    settings: options.settings ?? {},
    clock: options.clock ?? systemClock,
    limitMs: options.limitMs ?? 30_000,
    ownDirectories: [directory, ...(socketDirectory === null ? [] : [socketDirectory])],
  });
  await server.start(options.signal);
  return server;
}

function requireWayIn({ auth, socket, tcp }: ServerOptions): void {
  if (socket === null && (tcp === null || auth.kind === "trust-socket")) {
    throw new LocalPostgresError("CONFLICT", "the server would have no way in", {
      hint: "Give a socket directory, or a TCP address together with a password file.",
    });
  }
}

interface SocketWish {
  readonly socket: { readonly directory: string } | null;
  /** Where the server lives. */
  readonly directory: string;
  readonly port: number;
  readonly owner: ProcessOwner | null;
}

/** The directory asked for; if that is too long or unreachable, one beside the data or in tmp. */
async function socketDirectoryOf(wish: SocketWish): Promise<string | null> {
  if (wish.socket === null) return null;
  const { directory: wanted } = wish.socket;
  const short = join(tmpdir(), `cloudphoenix-run-${shortHash(wish.directory)}`);
  for (const candidate of [wanted, join(wish.directory, "run")]) {
    if (!(await fitsSocket(candidate, wish))) continue;
    await ensurePrivateDirectory(candidate, wish.owner);
    return candidate;
  }
  await ensurePrivateDirectory(short, wish.owner);
  return short;
}

async function fitsSocket(path: string, { port, owner }: SocketWish): Promise<boolean> {
  if (Buffer.byteLength(join(path, `.s.PGSQL.${port}`)) >= SOCKET_PATH_MAX_BYTES) return false;
  const parent = dirname(path);
  await mkdir(parent, { recursive: true });
  return owner === null || canReach(parent, owner);
}
