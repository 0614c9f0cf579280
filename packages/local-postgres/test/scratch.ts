/** Temporary directories, free ports and child processes for the tests of this package. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterEach } from "vitest";
import { type LocalServer, type ServerOptions, openServer } from "../src/index.ts";

const directories: string[] = [];
const servers: LocalServer[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const server of servers.splice(0)) await server.remove();
  for (const path of directories.splice(0)) await rm(path, { recursive: true, force: true });
});

/** Whether the tests run as root, who must borrow another user. */
export const isRoot: boolean = process.geteuid?.() === 0;
export const NOBODY = 65_534;

/** A temporary directory that goes away after the test; reachable by everybody unless private. */
export async function scratchDirectory(mode = 0o755): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "local-postgres-"));
  await chmod(path, mode);
  directories.push(path);
  return path;
}

/** Opens a server that goes away after the test. Default: socket only, trust, never waits for its disk. */
export async function scratchServer(
  options: Partial<ServerOptions> & { readonly directory: string },
): Promise<LocalServer> {
  const server = await openServer({
    auth: { kind: "trust-socket" },
    socket: { directory: join(options.directory, "run") },
    tcp: null,
    settings: { fsync: "off" },
    ...options,
  });
  servers.push(server);
  return server;
}

/** Runs one statement and returns its rows. */
export async function query(
  url: string,
  sql: string,
  password?: string,
): Promise<readonly Record<string, unknown>[]> {
  const address = new URL(url);
  address.password = password ?? "";
  const client = new Client({ connectionString: address.href });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

/** A password file that goes away after the test. */
export async function passwordFile(password: string): Promise<string> {
  const path = join(await scratchDirectory(0o700), "password");
  await writeFile(path, password, { mode: 0o600 });
  return path;
}

/** Listens on a port until the returned function is called. */
export function holdPort(port: number): Promise<() => Promise<void>> {
  return new Promise((settle, fail) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", fail);
    server.listen(port, "127.0.0.1", () =>
      settle(() => new Promise((closed) => server.close(() => closed()))),
    );
  });
}

/** Runs a script in a process of its own, as `uid` if given; resolves with its output at its first line or end. */
export function runScript(
  script: string,
  uid?: number,
): { readonly child: ChildProcess; readonly said: Promise<string> } {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    ...(uid === undefined ? {} : { uid, gid: uid }),
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const said = new Promise<string>((settle) => {
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.includes("\n")) settle(output);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.on("close", () => settle(output));
  });
  return { child, said };
}
