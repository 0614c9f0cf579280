/** Real worker processes between a local S3 server and Azurite, with a state database of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { hash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openStateDatabase, type StateDatabase } from "@cloudphoenix/adapter-dbos";
import { hasCode } from "@cloudphoenix/core";
import type { Task } from "@cloudphoenix/engine";
import { type Configuration, loadConfiguration } from "@cloudphoenix/config";
import {
  type Azurite,
  type CopyFront,
  type LocalS3,
  startAzurite,
  startCopyFront,
  startLocalS3,
} from "@cloudphoenix/local-objects";
import {
  type ObjectPlace,
  objectReplicationIn,
  objectReplicationKey,
  type ObjectReplicationFacts,
  type ObjectStore,
} from "@cloudphoenix/objects";
import { createBucket, tellQueue } from "../../../adapters/aws/test/local-s3-calls.ts";
import { createContainer } from "../../../adapters/azure/test/azurite-calls.ts";
import {
  closeSiteStores,
  openSiteStores,
  type SiteStores,
} from "../src/composition/site-stores.ts";
import { stateAddress } from "@cloudphoenix/state";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
export const AWS = "aws-us-east-1";
export const AZURE = "azure-westeurope";
export const S3_KEYS = { accessKeyId: "worker", secretAccessKey: "only-for-this-test" };
const NEVER = new AbortController().signal;
export const EVENT_QUEUE = "receipts-events";

/** What a test may set in the section `objects`. */
export interface FixtureOptions {
  /** YAML, inside braces. */
  readonly objects?: string;
  /** Whether both stores tell of their changes, through queues as their clouds have. Default: no. */
  readonly events?: boolean;
}

/** The standby's store, as a cloud has it: it reads URLs. */
interface BlobServers {
  readonly azurite: Azurite;
  readonly front: CopyFront;
}

export class WorkerFixture {
  readonly config: string;
  readonly configuration: Configuration;
  readonly s3: LocalS3;
  readonly blob: BlobServers;
  readonly state: StateDatabase;
  readonly stateUrl: string;
  readonly stores: SiteStores;
  readonly workers: WorkerProcess[] = [];
  readonly #folder: string;
  readonly #stopState: () => Promise<void>;

  // oxlint-disable-next-line max-lines-per-function -- every part is one line
  private constructor(parts: {
    readonly folder: string;
    readonly config: string;
    readonly configuration: Configuration;
    readonly s3: LocalS3;
    readonly blob: BlobServers;
    readonly state: StateDatabase;
    readonly stateUrl: string;
    readonly stopState: () => Promise<void>;
    readonly stores: SiteStores;
  }) {
    this.config = parts.config;
    this.configuration = parts.configuration;
    this.s3 = parts.s3;
    this.blob = parts.blob;
    this.state = parts.state;
    this.stateUrl = parts.stateUrl;
    this.stores = parts.stores;
    this.#folder = parts.folder;
    this.#stopState = parts.stopState;
  }

  static async start({
    objects = "",
    events = false,
  }: FixtureOptions = {}): Promise<WorkerFixture> {
    const folder = await mkdtemp(join(tmpdir(), "cloudphoenix-worker-"));
    // The state database runs as another user when we are root.
    await chmod(folder, 0o755);
    await mkdir(join(folder, "secrets"), { mode: 0o700 });
    const s3 = await startLocalS3({
      directory: join(folder, "s3"),
      port: 0,
      credentials: [S3_KEYS],
      ...(events && { queues: { port: 0, names: [EVENT_QUEUE] } }),
    });
    const eventQueue = events ? EVENT_QUEUE : undefined;
    const azurite = await startAzurite({ directory: null, blobPort: 0, eventQueue });
    const blob = { azurite, front: await startCopyFront(azurite) };
    await createBucket(s3, S3_KEYS, "receipts");
    if (events) {
      const arn = `arn:aws:sqs:${s3.region}:000000000000:${EVENT_QUEUE}`;
      await tellQueue(s3, S3_KEYS, { bucket: "receipts", arn });
    }
    await createContainer(azurite, "receipts");
    const secrets = {
      any: randomBytes(32).toString("base64"),
      s3: `aws_access_key_id = ${S3_KEYS.accessKeyId}\naws_secret_access_key = ${S3_KEYS.secretAccessKey}`,
      blob: azurite.accountKey,
    };
    for (const [name, text] of Object.entries(secrets)) {
      await writeFile(join(folder, "secrets", name), `${text}\n`, { mode: 0o600 });
    }
    const config = join(folder, "shop.yaml");
    await writeFile(config, configurationText(s3, blob, objects));
    const configuration = await loadConfiguration(config, { environment: {} });
    const { url: stateUrl, server } = await stateAddress(
      configuration.state,
      AbortSignal.timeout(60_000),
    );
    const state = await openStateDatabase({
      url: stateUrl,
      application: "shop",
      initialRoles: { generation: 1, active: AWS, claimedBy: null, protected: true },
      log: () => undefined,
    });
    const stores = await openSiteStores(configuration.sites, {});
    const stopState = async (): Promise<void> => server?.remove();
    return new WorkerFixture({
      folder,
      config,
      configuration,
      s3,
      blob,
      state,
      stateUrl,
      stopState,
      stores,
    });
  }

  get active(): ObjectPlace {
    return this.#place(AWS);
  }

  get standby(): ObjectPlace {
    return this.#place(AZURE);
  }

  worker(...more: readonly string[]): WorkerProcess {
    const worker = new WorkerProcess(["--config", this.config, ...more]);
    this.workers.push(worker);
    return worker;
  }

  /** Newest facts of the follower that told last. */
  async facts(): Promise<ObjectReplicationFacts | null> {
    const told = await Promise.all(
      [AWS, AZURE].map(async (site) =>
        objectReplicationIn(await this.state.facts.get(objectReplicationKey("shop", site))),
      ),
    );
    return told.toSorted((one, two) => (two?.atMs ?? 0) - (one?.atMs ?? 0))[0] ?? null;
  }

  /** The task of whoever keeps the copy at `site`. */
  followTask(site: string): Promise<Task> {
    const task = { application: "shop", kind: "follow", key: `follow:${site}`, payload: { site } };
    return this.state.work.enqueue({ ...task, attemptsMax: null });
  }

  async remove(): Promise<void> {
    for (const worker of this.workers) await worker.end();
    closeSiteStores(this.stores);
    await this.state.close();
    await this.#stopState();
    await this.blob.front.stop();
    await this.blob.azurite.kill();
    await this.s3.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #place(site: string): ObjectPlace {
    const store = this.stores.get(site);
    if (store === undefined) throw new Error(`${site} has no store`);
    return store.place;
  }
}

function configurationText(s3: LocalS3, { azurite, front }: BlobServers, objects: string): string {
  const urls = {
    [AWS]: `s3://receipts?region=${s3.region}&endpoint=${encodeURIComponent(s3.endpoint)}`,
    [AZURE]: `azblob://${azurite.accountName}/receipts?endpoint=${encodeURIComponent(front.blobEndpoint)}`,
  };
  const queues = {
    [AWS]: s3.queueEndpoint === null ? null : `${s3.queueEndpoint}/000000000000/${EVENT_QUEUE}`,
    [AZURE]: azurite.queueEndpoint === null ? null : `${azurite.queueEndpoint}/${EVENT_QUEUE}`,
  };
  const hintsOf = (id: keyof typeof queues): string =>
    queues[id] === null ? "" : `, hints_url: "${queues[id]}"`;
  const site = (id: keyof typeof urls, cloud: string, credentials: string): string => `
  - id: ${id}
    cloud: ${cloud}
    region: ${id.slice(cloud.length + 1)}
    entry: { address: ${cloud === "aws" ? "127.0.1.1" : "127.0.2.1"}, url: "http://127.0.0.1:1/${id}" }
    database:
      url: postgresql://cloudphoenix@127.0.0.1:1/app
      password_file: secrets/any
      peer_url: postgresql://replicator@127.0.0.1:1/app
      peer_password_file: secrets/any
      application_role: app
    provider: { kind: local, url: "http://127.0.0.1:1", token_file: secrets/any }
    objects: { url: "${urls[id]}", credentials_file: secrets/${credentials}${hintsOf(id)} }`;
  return `version: 1
application:
  name: shop
  objectives: { rto: 10s, rpo: 5s }
  workloads: [{ name: orders, replicas: 2 }]
sites:${site(AWS, "aws", "s3")}${site(AZURE, "azure", "blob")}
objects: { ${objects} }
traffic:
  kind: rfc2136
  server: 127.0.0.1:1
  zone: phoenix.test
  name: shop.phoenix.test
  ttl: 1s
  port: 20080
  tsig: { name: cloudphoenix, secret_file: secrets/any }
vantages:
  - { id: control, failure_domain: control, canaries: ["http://127.0.0.1:1/live"] }
signals:${signalText("aws-health", AWS)}${signalText("azure-health", AZURE)}
`;
}

function signalText(id: string, of: string): string {
  return `
  - id: ${id}
    kind: service-health
    site: ${of}
    vantages: [control]
    url: "http://127.0.0.1:1/${of}/health"`;
}

/** A worker process and what it said. */
export class WorkerProcess {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  output = "";
  errors = "";

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.exit = once(this.child, "close").then(() => this.child.exitCode);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.errors += text));
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Whether a log line with this message has been written. */
  said(message: string): boolean {
    return this.output.includes(`"msg":"${message}"`);
  }

  async until(message: string): Promise<void> {
    await eventually(`"${message}"`, async () => {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.output}${this.errors}`);
      return this.said(message) ? true : null;
    });
  }

  /** Ends it the hard way, if it has not ended. */
  async end(): Promise<void> {
    if (!this.isAlive) return;
    this.child.kill("SIGKILL");
    await this.exit;
  }
}

/** Asks until the answer is not null; 60 s at most. */
export async function eventually<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 600; tries += 1) {
    const answer = await ask();
    if (answer !== null) return answer;
    await wait(100);
  }
  throw new Error(`${what} did not come within 60 s`);
}

/** Stores an object as an application would. */
export async function put(store: ObjectStore, key: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  const properties = {
    contentType: "text/plain",
    contentEncoding: null,
    contentDisposition: null,
    contentLanguage: null,
    cacheControl: null,
    metadata: {},
    tags: {},
    stamp: null,
  };
  await store.write(
    { key, properties, condition: { kind: "none" } },
    { bytes, md5: md5Of(bytes) },
    NEVER,
  );
}

/** The text under a key, of whichever version was whole at one moment; null if there is none. */
export async function textAt(store: ObjectStore, key: string): Promise<string | null> {
  const facts = await store.head(key, NEVER);
  if (facts === null) return null;
  const whole = await store.readWhole(facts, NEVER).catch((error: unknown) => {
    if (hasCode(error, "OBJECT_CHANGED") || hasCode(error, "OBJECT_GONE")) return null;
    throw error;
  });
  return whole === null ? textAt(store, key) : Buffer.from(whole.bytes).toString();
}

/** Keys of the store that are not ours. */
export async function keysOf(store: ObjectStore): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const page of store.list({ prefix: "" }, NEVER)) {
    keys.push(...page.map(({ key }) => key).filter((key) => !key.startsWith(".cloudphoenix/")));
  }
  return keys;
}

/** The same, each with the MD5 of what it holds when it is read. */
export async function hashesOf(
  store: ObjectStore,
): Promise<readonly (readonly [string, string])[]> {
  const keys = await keysOf(store);
  const hashes: (readonly [string, string])[] = [];
  for (let at = 0; at < keys.length; at += 50) {
    const some = keys.slice(at, at + 50);
    const texts = await Promise.all(some.map((key) => textAt(store, key)));
    hashes.push(...some.map((key, n) => [key, md5Of(texts[n] ?? "")] as const));
  }
  return hashes;
}

/** In hexadecimal. */
export function md5Of(content: string | Uint8Array): string {
  return hash("md5", content, "hex");
}
