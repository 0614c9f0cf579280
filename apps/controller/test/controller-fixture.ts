/** Real controller processes over a small stand-in world: two healthy entries and nothing behind. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { loadConfiguration } from "@cloudphoenix/config";
import { stateAddress } from "@cloudphoenix/state";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

export interface Fixture {
  readonly folder: string;
  readonly config: string;
  /** Address of the state database, with its server running. */
  stateUrl(): Promise<string>;
  /** Ends every process, the state database included, and deletes everything. */
  remove(): Promise<void>;
}

const children: ChildProcess[] = [];

/** One port for everything: `/<site>/health` answers for that site, `/live` for all. */
async function startEntries(): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    const site = /^\/([\w-]+)\/health$/.exec(request.url ?? "")?.[1];
    const body = {
      status: "healthy",
      site: site ?? "",
      role: site === "aws-us-east-1" ? "active" : "standby",
      generation: 1,
      writesOpen: site === "aws-us-east-1",
      dependencies: [],
    };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(body));
  });
  server.listen(await freePort(), "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { server, port: address.port };
}

const SECRETS = ["db", "replicator", "provider", "tsig"];

export async function fixture(): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), "cloudphoenix-controller-"));
  // The state database runs as another user when we are root.
  await chmod(folder, 0o755);
  await mkdir(join(folder, "secrets"), { mode: 0o700 });
  for (const name of SECRETS) {
    await writeFile(join(folder, "secrets", name), `${randomBytes(32).toString("base64")}\n`, {
      mode: 0o600,
    });
  }
  const { server, port } = await startEntries();
  const config = join(folder, "shop.yaml");
  await writeFile(config, configurationText(port, await freePort()));
  const address = async (): ReturnType<typeof stateAddress> => {
    const { state } = await loadConfiguration(config, { environment: {} });
    return stateAddress(state, AbortSignal.timeout(30_000));
  };
  return {
    folder,
    config,
    stateUrl: async () => (await address()).url,
    async remove() {
      for (const child of children.splice(0)) await end(child);
      await (await address()).server?.remove();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

function configurationText(entries: number, deadPort: number): string {
  const site = (id: string, cloud: string, address: string): string => `
  - id: ${id}
    cloud: ${cloud}
    region: ${id.slice(cloud.length + 1)}
    entry: { address: ${address}, url: "http://127.0.0.1:${entries}/${id}" }
    database:
      url: postgresql://cloudphoenix@127.0.0.1:${deadPort}/app
      password_file: secrets/db
      peer_url: postgresql://replicator@127.0.0.1:${deadPort}/app
      peer_password_file: secrets/replicator
      application_role: app
    provider: { kind: local, url: "http://127.0.0.1:${deadPort}", token_file: secrets/provider }`;
  const signal = (id: string, of: string): string => `
  - id: ${id}
    kind: service-health
    site: ${of}
    vantages: [control]
    url: "http://127.0.0.1:${entries}/${of}/health"`;
  return `version: 1
application:
  name: shop
  objectives: { rto: 10s, rpo: 5s }
  workloads: [{ name: orders, replicas: 2 }]
sites:${site("aws-us-east-1", "aws", "127.0.1.1")}${site("azure-westeurope", "azure", "127.0.2.1")}
traffic:
  kind: rfc2136
  server: 127.0.0.1:${deadPort}
  zone: phoenix.test
  name: shop.phoenix.test
  ttl: 1s
  port: 20080
  tsig: { name: cloudphoenix, secret_file: secrets/tsig }
vantages:
  - { id: control, failure_domain: control, canaries: ["http://127.0.0.1:${entries}/live"] }
signals:${signal("aws-health", "aws-us-east-1")}${signal("azure-health", "azure-westeurope")}
`;
}

/** A controller of `world`, its API on a free port. */
export async function startController(
  world: Fixture,
  ...more: readonly string[]
): Promise<ControllerProcess> {
  const listen = `127.0.0.1:${await freePort()}`;
  return new ControllerProcess(["--config", world.config, "--listen", listen, ...more]);
}

/** A controller process and what it said. */
export class ControllerProcess {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  output = "";
  errors = "";

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    children.push(this.child);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    this.exit = once(this.child, "close").then(() => this.child.exitCode);
  }

  /** Base URL of its API, once it has said so. */
  async url(): Promise<string> {
    return eventually("the address of the API", async () => {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.output}${this.errors}`);
      return /"address":"([^"]+)"/.exec(this.output)?.[1] ?? null;
    });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "close");
}

/** Asks until the answer is not null; 30 s at most. */
export async function eventually<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await ask();
    if (answer !== null) return answer;
    await wait(100);
  }
  throw new Error(`${what} did not come within 30 s`);
}

/** The API as an operator with the token file sees it. */
export async function callApi(
  folder: string,
  url: string,
  init: {
    readonly method?: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  const token = (await readFile(join(folder, "secrets/api-token"), "utf8")).trim();
  const response = await fetch(url, {
    ...init,
    headers: {
      authorization: `Bearer ${token}`,
      ...(init.body === undefined ? {} : { "content-type": "application/json" }),
      ...init.headers,
    },
  });
  const text = await response.text();
  const body: unknown = text.startsWith("{") ? JSON.parse(text) : text;
  return { status: response.status, body };
}

/** Resolves once the controller at `url` leads and has decided. */
export async function untilLeading(url: string): Promise<void> {
  await eventually("leadership", async () => {
    const response = await fetch(`${url}/ready`).catch(() => null);
    await response?.text();
    return response?.status === 200 ? true : null;
  });
}
