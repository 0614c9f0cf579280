/** Starts Azurite, the vendor's own Blob (and Queue) server, in a process that ends with ours. */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalObjectsError } from "../error.ts";
import { startChildServer } from "../process/child-server.ts";
import type { AzuriteSpec } from "./azurite-spec.ts";

export interface AzuriteOptions {
  /** Where it keeps everything, made if absent; null keeps everything in memory. */
  readonly directory: string | null;
  /** 0 takes any free one. */
  readonly blobPort: number;
  /** Starts the Queue service too. Default: no. */
  readonly queuePort?: number | undefined;
  /**
   * Name of a queue of the Queue service, made if absent: it gets a message of every blob that is written or
   * deleted, as a subscription of Event Grid would send it. Starts the Queue service. Default: none.
   */
  readonly eventQueue?: string | undefined;
  /** Default: `localphoenix`. */
  readonly accountName?: string;
  /** Base64. Default: 64 random bytes. */
  readonly accountKey?: string;
  /** Default: 30 s. */
  readonly readyLimitMs?: number;
  readonly signal?: AbortSignal;
}

/** A running Azurite. */
export interface Azurite {
  /** With the account: `http://127.0.0.1:10000/localphoenix`. */
  readonly blobEndpoint: string;
  readonly queueEndpoint: string | null;
  readonly accountName: string;
  readonly accountKey: string;
  /** What the official clients take. Holds the key. */
  readonly connectionString: string;
  readonly pid: number;
  /** Resolves when it has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** Saves and ends. Idempotent. */
  stop(): Promise<void>;
  /** Ends it the way a crash would: what it had not saved yet is lost. */
  kill(): Promise<void>;
}

const READY_LIMIT_MS = 30_000;
const STOP_GRACE_MS = 5_000;

/** @throws {LocalObjectsError} `PORT_TAKEN`, `STATE_UNAVAILABLE`, `TIMED_OUT`, `ABORTED` */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  const { directory, blobPort, eventQueue = null } = options;
  const queuePort = options.queuePort ?? (eventQueue === null ? null : 0);
  const { accountName = "localphoenix" } = options;
  const accountKey = options.accountKey ?? randomBytes(64).toString("base64");
  if (directory !== null) await mkdir(directory, { recursive: true, mode: 0o700 });
  const spec: AzuriteSpec = {
    directory,
    blobPort,
    queuePort,
    eventQueue,
    accountName,
    accountKey,
  };
  const child = await startChildServer({
    name: "Azurite",
    program: join(import.meta.dirname, "main.ts"),
    cwd: directory ?? tmpdir(),
    spec,
    readyLimitMs: options.readyLimitMs ?? READY_LIMIT_MS,
    stopGraceMs: STOP_GRACE_MS,
    signal: options.signal,
  });
  const [blob, queue] = originsOf(child.ready);
  const blobEndpoint = `${blob}/${accountName}`;
  const queueEndpoint = queue === undefined ? null : `${queue}/${accountName}`;
  const { pid, exited } = child;
  return {
    blobEndpoint,
    queueEndpoint,
    accountName,
    accountKey,
    connectionString: [
      "DefaultEndpointsProtocol=http",
      `AccountName=${accountName}`,
      `AccountKey=${accountKey}`,
      `BlobEndpoint=${blobEndpoint}`,
      ...(queueEndpoint === null ? [] : [`QueueEndpoint=${queueEndpoint}`]),
    ].join(";"),
    pid,
    exited,
    stop: async () => child.stop(),
    kill: async () => child.kill(),
  };
}

/** Blob first, then Queue if it was started. */
function originsOf(ready: unknown): readonly [string, string?] {
  if (typeof ready === "object" && ready !== null && "origins" in ready) {
    const [blob, queue] = Array.isArray(ready.origins) ? ready.origins.map(String) : [];
    if (blob !== undefined) return queue === undefined ? [blob] : [blob, queue];
  }
  throw new LocalObjectsError("STATE_UNAVAILABLE", "Azurite did not say where it listens", {
    hint: "Check that the installed Azurite is the version of the lockfile.",
  });
}
