import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type ServerOptions, locateBinaries, openServer } from "../src/index.ts";
import { freePort } from "./free-port.ts";
import {
  NOBODY,
  holdPort,
  isRoot,
  passwordFile,
  query,
  runScript,
  scratchDirectory,
  scratchServer,
} from "./scratch.ts";

/** Who the launcher may be. Root can play everybody; others only themselves. */
const users = isRoot
  ? [
      { name: "root", uid: undefined },
      { name: "an ordinary user", uid: NOBODY },
    ]
  : [{ name: "an ordinary user", uid: undefined }];

/** A script that opens a server in `directory`, says its pid and stays. */
function openingScript(directory: string): string {
  return `
    import { openServer } from "../src/index.ts";
    try {
      const server = await openServer({
        directory: ${JSON.stringify(directory)},
        auth: { kind: "trust-socket" },
        socket: { directory: ${JSON.stringify(join(directory, "run"))} },
        tcp: null,
      });
      console.log("pid", server.pid());
      setInterval(() => undefined, 1000);
    } catch (error) {
      console.log(error.code, error.hint);
    }`;
}

/** Server options with TCP only and a password. */
async function tcpOptions(
  directory: string,
  port: number,
): Promise<ServerOptions & { readonly password: string }> {
  const password = randomBytes(12).toString("hex");
  return {
    directory,
    socket: null,
    tcp: { host: "127.0.0.1", port },
    auth: { kind: "scram", passwordFile: await passwordFile(password) },
    password,
  };
}

function commandLines(): string {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name) && existsSync(`/proc/${name}/cmdline`))
    .map((name) => readProc(`/proc/${name}/cmdline`))
    .join("\n");
}

describe("a server", () => {
  test("keeps what was committed through restart, stop, and a kill that nothing survives", async () => {
    const server = await scratchServer({ directory: await scratchDirectory(), settings: {} });
    await query(server.url("postgres"), "create table kept (id int)");
    for (const end of [() => server.stop(), () => server.killHard()]) {
      await query(server.url("postgres"), "insert into kept values (1)");
      await end();
      expect(server.isAlive()).toBe(false);
      expect(server.pid()).toBeNull();
      await end();
      await server.start();
    }
    const before = server.pid();
    await server.restart();
    expect(server.pid()).not.toBe(before);
    expect(await query(server.url("postgres"), "select count(*) from kept")).toEqual([
      { count: "2" },
    ]);
  });

  test("leaves no process behind when it is killed hard, however many sessions it has", async () => {
    const server = await scratchServer({ directory: await scratchDirectory() });
    // A busy session does not notice by itself that its server is gone.
    const busy = "select max(n) from (select generate_series(1, 100000000000) n) endless";
    const sessions = [1, 2].map(() => query(server.url("postgres"), busy).catch(() => "cut"));
    const running =
      "select 1 from pg_stat_activity where state = 'active' and query like '%endless'";
    while ((await query(server.url("postgres"), running)).length < sessions.length) continue;
    const pid = server.pid();
    await server.killHard();
    expect(await Promise.all(sessions)).toEqual(["cut", "cut"]);
    const parents = readdirSync("/proc")
      .filter((name) => /^\d+$/u.test(name) && existsSync(`/proc/${name}/stat`))
      .map((name) => readProc(`/proc/${name}/stat`).split(") ")[1]?.split(" ")[1]);
    expect(parents).not.toContain(String(pid));
    expect(commandLines()).not.toContain(server.dataDirectory);
  });

  test("checksums its pages and never trades durability for speed", async () => {
    const server = await scratchServer({ directory: await scratchDirectory(), settings: {} });
    const settings = await query(
      server.url("postgres"),
      `select current_setting('data_checksums') as sums, current_setting('fsync') as fsync,
              current_setting('synchronous_commit') as commit`,
    );
    expect(settings).toEqual([{ sums: "on", fsync: "on", commit: "on" }]);
  });

  test("takes settings, values with blanks included", async () => {
    const server = await scratchServer({
      directory: await scratchDirectory(),
      settings: { wal_level: "logical", cluster_name: "two words" },
    });
    expect(await query(server.url("postgres"), "show wal_level")).toEqual([
      { wal_level: "logical" },
    ]);
    expect(await query(server.url("postgres"), "show cluster_name")).toEqual([
      { cluster_name: "two words" },
    ]);
  });

  test("needs a way in", async () => {
    const directory = await scratchDirectory();
    const opened = openServer({
      directory,
      auth: { kind: "trust-socket" },
      socket: null,
      tcp: { host: "127.0.0.1", port: 20_000 },
    });
    await expect(opened).rejects.toMatchObject({ code: "CONFLICT" });
  });
});

describe("a server left by an earlier process", () => {
  test.each(users)("outlives $name who started it and is adopted", async ({ uid }) => {
    const directory = await scratchDirectory(0o777);
    const first = runScript(openingScript(directory), uid);
    const said = await first.said;
    first.child.kill("SIGKILL");

    const second = runScript(openingScript(directory), uid);
    expect(await second.said).toBe(said);
    expect(said).toMatch(/^pid \d+\n$/u);
    second.child.kill("SIGKILL");

    const server = await scratchServer({ directory });
    expect(`pid ${server.pid()}\n`).toBe(said);
  });

  test("is moved when it listens where an earlier configuration put it", async () => {
    const directory = await scratchDirectory();
    const options = await tcpOptions(directory, await freePort());
    const before = await scratchServer(options);
    const pid = before.pid();

    const after = await scratchServer({
      ...options,
      tcp: { host: "127.0.0.1", port: await freePort() },
    });

    expect(after.pid()).not.toBe(pid);
    expect(await query(after.url("postgres"), "select 1 as one", options.password)).toEqual([
      { one: 1 },
    ]);
    await expect(query(before.url("postgres"), "select 1", options.password)).rejects.toThrow(
      "ECONNREFUSED",
    );
  });

  test("does not keep a new one out by a lock file whose pid is now another program's", async () => {
    const directory = await scratchDirectory();
    const server = await scratchServer({ directory });
    const pidFile = join(server.dataDirectory, "postmaster.pid");
    const left = await readFile(pidFile, "utf8");
    await server.stop();
    // PostgreSQL takes the pid of any process of its own user for a server.
    const other = runScript(
      "console.log('up'); setInterval(() => undefined, 1000);",
      isRoot ? NOBODY : undefined,
    );
    await other.said;
    await writeFile(pidFile, left.replace(/^\d+/u, String(other.child.pid)));
    await writeFile(join(directory, "run", ".s.PGSQL.5432.lock"), `${other.child.pid}\n`);

    expect(server.isAlive()).toBe(false);
    await server.start();
    expect(server.isAlive()).toBe(true);
  });
});

describe("the first start", () => {
  test("is won by one of several processes and shared by all", async () => {
    const directory = await scratchDirectory();
    const opened = await Promise.all([1, 2, 3].map(() => scratchServer({ directory })));
    expect(new Set(opened.map((server) => server.pid())).size).toBe(1);
    expect(readdirSync(directory).filter((name) => name.startsWith("data"))).toEqual(["data"]);
  });

  test("sweeps what a crashed first start left, and leaves the work of a living one", async () => {
    const directory = await scratchDirectory();
    await mkdir(join(directory, "data.init-999999999-dead"));
    await mkdir(join(directory, `data.init-${process.ppid}-alive`));
    await scratchServer({ directory });
    expect(readdirSync(directory).filter((name) => name.startsWith("data"))).toEqual([
      "data",
      `data.init-${process.ppid}-alive`,
    ]);
  });

  test("refuses a directory named data that is something else", async () => {
    const directory = await scratchDirectory();
    await mkdir(join(directory, "data"));
    await writeFile(join(directory, "data", "thesis.txt"), "years of work");
    await expect(scratchServer({ directory })).rejects.toMatchObject({
      code: "STATE_UNAVAILABLE",
      message: expect.stringContaining("not a PostgreSQL data directory"),
    });
    expect(contentOf(directory)).toEqual(["data"]);
  });

  test("refuses data of another major version and names the way out", async () => {
    const directory = await scratchDirectory();
    await (await scratchServer({ directory })).stop();
    await writeFile(join(directory, "data", "PG_VERSION"), "15\n");
    await expect(scratchServer({ directory })).rejects.toMatchObject({
      code: "STATE_VERSION",
      hint: expect.stringContaining("PostgreSQL 15"),
    });
  });

  test("waits until all of it is on disk, unless the server never will", async () => {
    const directory = await scratchDirectory();
    const initdb = join(directory, "initdb");
    await writeFile(initdb, '#!/bin/sh\necho "asked: $*"\nexit 1\n', { mode: 0o755 });
    const binaries = { ...(await locateBinaries({ cacheDirectory: directory })), initdb };
    const asked = async (settings: Readonly<Record<string, string>>): Promise<string> =>
      String(
        await scratchServer({ directory, binaries, settings }).catch((error: unknown) => error),
      );

    expect(await asked({})).toContain("asked: -D");
    expect(await asked({})).not.toContain("sync");
    expect(await asked({ fsync: "off" })).toContain("--no-sync");
  });

  test("says that the disk is full when it is", async () => {
    const directory = await scratchDirectory();
    const initdb = join(directory, "initdb");
    const said = "could not write to file: No space left on device";
    await writeFile(initdb, `#!/bin/sh\necho '${said}' >&2\nexit 1\n`, { mode: 0o755 });
    const binaries = { ...(await locateBinaries({ cacheDirectory: directory })), initdb };
    await expect(scratchServer({ directory, binaries })).rejects.toMatchObject({
      code: "DISK_FULL",
      retryable: true,
      message: expect.stringContaining(said),
    });
    expect(contentOf(directory)).toEqual(["initdb"]);
  });
});

describe("an address", () => {
  test("that another program holds is reported as taken", async () => {
    const port = await freePort();
    const release = await holdPort(port);
    const opened = scratchServer(await tcpOptions(await scratchDirectory(), port));
    await expect(opened).rejects.toMatchObject({ code: "PORT_TAKEN" });
    await release();
  });

  test("that another PostgreSQL holds is reported as taken, and that server is left alone", async () => {
    const port = await freePort();
    const options = await tcpOptions(await scratchDirectory(), port);
    const other = await scratchServer(options);
    const pid = other.pid();
    // Even if it lets us in: the password is the same.
    const opened = scratchServer({ ...options, directory: await scratchDirectory() });
    await expect(opened).rejects.toMatchObject({ code: "PORT_TAKEN" });
    expect(other.pid()).toBe(pid);
  });

  test("that is too long for a socket is replaced by a short one", async () => {
    const directory = await scratchDirectory();
    const server = await scratchServer({
      directory,
      socket: { directory: join(directory, "long".repeat(30)) },
    });
    expect(await query(server.url("postgres"), "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("is never a socket in a shared directory", async () => {
    const shared = await scratchDirectory();
    await chmod(shared, 0o1777);
    const directory = await scratchDirectory();
    const opened = scratchServer({ directory, socket: { directory: shared } });
    await expect(opened).rejects.toMatchObject({ code: "CONFLICT" });
  });

  test("whose directory only root can reach is served from one that the server can reach", async () => {
    const directory = await scratchDirectory(0o700);
    const server = await scratchServer({ directory });
    const again = await scratchServer({ directory });
    expect(again.pid()).toBe(server.pid());
    expect(server.directory === directory).toBe(!isRoot);
    await server.remove();
    expect(existsSync(server.directory)).toBe(false);
  });
});

describe("a password", () => {
  test("is needed on TCP and appears on no command line", async () => {
    const options = await tcpOptions(await scratchDirectory(), await freePort());
    const server = await scratchServer(options);
    const url = server.url("postgres");
    expect(await query(url, "select 1 as one", options.password)).toEqual([{ one: 1 }]);
    await expect(query(url, "select 1", "wrong")).rejects.toMatchObject({ code: "28P01" });
    expect(url).not.toContain(options.password);
    expect(commandLines()).not.toContain(options.password);
  });

  test("that is not the server's is reported, not waited for", async () => {
    const options = await tcpOptions(await scratchDirectory(), await freePort());
    await scratchServer(options);
    const wrong = { kind: "scram", passwordFile: await passwordFile("wrong") } as const;
    await expect(openServer({ ...options, auth: wrong })).rejects.toMatchObject({
      code: "UNAUTHORIZED",
    });
  });

  test("is not what protects a trusting server: it refuses TCP", async () => {
    const directory = await scratchDirectory();
    const port = await freePort();
    await scratchServer({ directory, tcp: { host: "127.0.0.1", port } });
    const url = `postgresql://cloudphoenix@127.0.0.1:${port}/postgres`;
    await expect(query(url, "select 1")).rejects.toMatchObject({ code: "28000" });
  });
});

describe("waiting for a server", () => {
  test("ends when the caller gives up", async () => {
    const directory = await scratchDirectory();
    const server = await scratchServer({ directory });
    const pid = server.pid() ?? 0;
    process.kill(pid, "SIGSTOP");
    const started = server.start(AbortSignal.timeout(100));
    await expect(started).rejects.toMatchObject({ code: "ABORTED" });
    process.kill(pid, "SIGCONT");
  });

  test("ends when a frozen server does not answer in time", async () => {
    const directory = await scratchDirectory();
    const clock = { nowMs: 0, stepMs: 0 };
    const server = await scratchServer({
      directory,
      clock: { now: () => (clock.nowMs += clock.stepMs), sleep: () => setImmediate() },
    });
    const pid = server.pid() ?? 0;
    process.kill(pid, "SIGSTOP");
    clock.stepMs = 60_000;
    await expect(server.start()).rejects.toMatchObject({ code: "TIMED_OUT", retryable: true });
    clock.stepMs = 0;
    process.kill(pid, "SIGCONT");
  });
});

describe("a user that PostgreSQL cannot run as", () => {
  const nameless = isRoot ? [54_321] : [];
  test("is refused with a way out", async () => {
    const directory = await scratchDirectory(0o777);
    const outputs = nameless.map((uid) => runScript(openingScript(directory), uid).said);
    for (const said of await Promise.all(outputs)) expect(said).toContain("UNSUPPORTED_PLATFORM");
    const absent = openServer({
      directory,
      auth: { kind: "trust-socket" },
      socket: { directory: join(directory, "run") },
      tcp: null,
      owner: { uid: 54_321, gid: 54_321 },
    });
    // Only root changes users; everybody else runs the server as themselves.
    const outcome = await absent.then(
      (server) => server.remove().then(() => "started"),
      (error: { readonly code: string }) => error.code,
    );
    expect(outcome).toBe(isRoot ? "UNSUPPORTED_PLATFORM" : "started");
  });
});

/** What is in `directory` besides the library links, which are there if npm ran no scripts. */
function contentOf(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => !name.startsWith("libraries-"));
}

/** A file of /proc; empty if its process has gone in the meantime. */
function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
