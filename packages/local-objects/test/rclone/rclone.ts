/**
 * rclone as a client that knows nothing of us: started with an environment of its own, so that
 * nothing of the machine's (a configuration, `AWS_CA_BUNDLE`, other credentials) gets in.
 *
 * Remotes are described by environment variables: keys appear in no command line and no file. `-vv`
 * would print them.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import type { Azurite, LocalCredentials } from "../../src/index.ts";

const RUN_LIMIT_MS = 100_000;
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;

/** rclone's first line about itself, for instance `rclone v1.60.1-DEV`; null if there is none. */
export function rcloneVersion(): string | null {
  const { status, stdout } = spawnSync("rclone", ["version"], { encoding: "utf8" });
  return status === 0 ? (stdout.split("\n", 1)[0] ?? null) : null;
}

/**
 * Whether suites that need rclone can run. Where everything must run, its absence is an error.
 * @throws {Error} if it is missing and `CI` is `true`
 */
export function rcloneAvailable(): boolean {
  const isThere = rcloneVersion() !== null;
  if (!isThere && process.env["CI"] === "true") {
    throw new Error("rclone is missing. Install it: apt-get install rclone");
  }
  return isThere;
}

/** An S3 as rclone sees it: `primary:bucket/key`. */
export interface S3Remote {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: LocalCredentials;
}

/** A Blob account as rclone sees it: `standby:container/name`. */
export type BlobRemote = Pick<Azurite, "accountKey" | "accountName" | "blobEndpoint">;

/** What a run said. */
export interface RcloneRun {
  readonly exitCode: number;
  readonly output: string;
}

/** The remotes `primary:` and `standby:`. */
export class Rclone {
  readonly #env: Readonly<Record<string, string>>;
  readonly #home: string;

  private constructor(env: Readonly<Record<string, string>>, home: string) {
    this.#env = env;
    this.#home = home;
  }

  static async open(primary: S3Remote, standby: S3Remote | BlobRemote): Promise<Rclone> {
    const home = await mkdtemp(join(tmpdir(), "rclone-"));
    const configuration = join(home, "empty.conf");
    await writeFile(configuration, "");
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: home,
      RCLONE_CONFIG: configuration,
      ...remote("primary", s3Options(primary)),
      ...remote("standby", "accountKey" in standby ? blobOptions(standby) : s3Options(standby)),
    };
    return new Rclone(env, home);
  }

  /** Runs to the end, whatever the exit code; ended after 100 s. */
  async run(...args: readonly string[]): Promise<RcloneRun> {
    const options = {
      env: this.#env,
      timeout: RUN_LIMIT_MS,
      maxBuffer: OUTPUT_MAX_BYTES,
      cwd: this.#home,
    };
    return new Promise((resolve) => {
      execFile("rclone", args, options, (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ exitCode, output: stdout + stderr });
      });
    });
  }

  /** Runs what must succeed; gives what it said. @throws {Error} with the output if it does not */
  async must(...args: readonly string[]): Promise<string> {
    const { exitCode, output } = await this.run(...args);
    if (exitCode === 0) return output;
    throw new Error(`rclone ${args.join(" ")} ended with ${exitCode}:\n${output}`);
  }

  /**
   * Names that differ in content between two places, both read whole. Empty if they are equal.
   * @param more - rclone's own options, for instance what to leave out
   */
  async differences(
    left: string,
    right: string,
    ...more: readonly string[]
  ): Promise<readonly string[]> {
    const { exitCode, output } = await this.run(
      "check",
      left,
      right,
      "--download",
      "--combined",
      "-",
      ...more,
    );
    const lines = output.split("\n");
    const found = lines.filter((line) => /^[-+*!] /u.test(line));
    if (exitCode === 0 || found.length > 0) return found;
    throw new Error(`rclone check ended with ${exitCode} and named nothing:\n${output}`);
  }

  async close(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
  }
}

function s3Options({ endpoint, region, credentials }: S3Remote): Record<string, string> {
  return {
    type: "s3",
    // `AWS` puts the bucket into the host name, whatever `force_path_style` says.
    provider: "Other",
    endpoint,
    region,
    location_constraint: region === "us-east-1" ? "" : region,
    access_key_id: credentials.accessKeyId,
    secret_access_key: credentials.secretAccessKey,
    force_path_style: "true",
  };
}

/**
 * Account and key always mean https and the cloud's host name, `use_emulator` always the well-known
 * key; only a signed address is taken as it is.
 */
function blobOptions(remoteOf: BlobRemote): Record<string, string> {
  return { type: "azureblob", sas_url: signedAddress(remoteOf) };
}

/** The address of all containers, open for a day to whoever has it. */
function signedAddress({ accountName, accountKey, blobEndpoint }: BlobRemote): string {
  const signature = generateAccountSASQueryParameters(
    {
      expiresOn: new Date(Date.now() + 86_400_000),
      permissions: AccountSASPermissions.parse("rwdlacup"),
      resourceTypes: AccountSASResourceTypes.parse("sco").toString(),
      services: AccountSASServices.parse("b").toString(),
    },
    new StorageSharedKeyCredential(accountName, accountKey),
  );
  return `${blobEndpoint}?${signature.toString()}`;
}

function remote(name: string, options: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = `RCLONE_CONFIG_${name.toUpperCase()}_`;
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== "")
      .map(([option, value]) => [prefix + option.toUpperCase(), value]),
  );
}
