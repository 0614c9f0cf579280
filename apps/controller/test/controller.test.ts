import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { Client, type QueryResultRow } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import {
  callApi,
  ControllerProcess,
  eventually,
  type Fixture,
  fixture,
  startController,
  untilLeading,
} from "./controller-fixture.ts";

/** Real processes and a real database; every wait inside has its own, shorter limit. */
const SLOW = { timeout: 120_000 };

/** The plan of a run whose journal is gone. */
const LEFT_OVER = {
  id: "left-over",
  kind: "heal",
  application: "shop",
  generation: 1,
  parentGeneration: 1,
  createdAtMs: 1,
  from: "aws-us-east-1",
  to: "aws-us-east-1",
  reason: "a test",
  onFailure: "wait",
  steps: [],
};

let world: Fixture;

beforeAll(async () => {
  world = await fixture();
});

afterAll(async () => {
  await world.remove();
});

async function onState<T extends QueryResultRow>(sql: string): Promise<readonly T[]> {
  const client = new Client({ connectionString: await world.stateUrl() });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe("a controller", SLOW, () => {
  test("makes its token, leads, watches and says what it sees", async () => {
    const controller = await startController(world);
    const url = await controller.url();
    await untilLeading(url);

    const mode = (await stat(join(world.folder, "secrets/api-token"))).mode & 0o777;
    expect(mode).toBe(0o600);
    const seen = await eventually("a healthy active site", async () => {
      const { body } = await callApi(world.folder, `${url}/v1/status`);
      return JSON.stringify(body).includes('"coverage":1') ? body : null;
    });
    expect(seen).toMatchObject({
      application: { name: "shop" },
      controller: { role: "leader", epoch: 1 },
      generation: 1,
      active: "aws-us-east-1",
      sites: [{ id: "aws-us-east-1", score: 0, level: "none" }, { id: "azure-westeurope" }],
      standbys: [{ site: "azure-westeurope", ready: false }],
      decision: { action: "hold" },
      protected: { yes: false },
    });
    const { body: metrics } = await callApi(world.folder, `${url}/metrics`);
    expect(metrics).toContain('cloudphoenix_leader{application="shop"} 1');
    expect(metrics).toMatch(/cloudphoenix_site_score\{site="aws-us-east-1",application="shop"\} 0/);
    expect(metrics).toMatch(/cloudphoenix_probes_total\{application="shop"\} [1-9]/);

    controller.child.kill("SIGTERM");
    expect(await controller.exit).toBe(0);
    // The state database runs on: unfinished runs are there for the next start.
    expect(await onState("select 1 as alive")).toEqual([{ alive: 1 }]);
  });

  test("refuses an order while nothing stands by, and lists every blocker", async () => {
    const controller = await startController(world);
    const url = await controller.url();
    await untilLeading(url);
    const order = { kind: "dr", reason: "exercise", by: "ada", acceptLoss: false };
    const answer = await callApi(world.folder, `${url}/v1/runs`, {
      method: "POST",
      headers: { "idempotency-key": "k1" },
      body: JSON.stringify(order),
    });
    expect(answer).toMatchObject({ status: 409, body: { code: "GUARD_BLOCKED" } });
    expect(JSON.stringify(answer.body)).toContain("data-fresh");
    const audited = await onState<{ what: string }>(
      "select what from cloudphoenix.audit where who = 'operator:ada'",
    );
    expect(audited.length).toBe(2);
    controller.child.kill("SIGTERM");
    expect(await controller.exit).toBe(0);
  });

  test("ends a run that nothing goes on with, so that it keeps nothing from starting", async () => {
    const controller = await startController(world);
    const url = await controller.url();
    await untilLeading(url);
    await onState(
      `insert into cloudphoenix.run (id, plan, status, started_by, started_at_ms, steps)
       values ('left-over', '${JSON.stringify(LEFT_OVER)}', 'waiting-approval', 'decision', 1, '[]')`,
    );
    const run = await eventually("the end of the run", async () => {
      const { body } = await callApi(world.folder, `${url}/v1/runs/left-over`);
      return JSON.stringify(body).includes('"status":"stuck"') ? body : null;
    });
    expect(run).toMatchObject({
      events: [{ kind: "run-ended", text: expect.stringContaining("the engine knows nothing") }],
    });
    const order = { by: "ada", reason: "away with it" };
    const answer = await callApi(world.folder, `${url}/v1/runs/left-over/cancel`, {
      method: "POST",
      body: JSON.stringify(order),
    });
    expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    controller.child.kill("SIGTERM");
    expect(await controller.exit).toBe(0);
  });

  test("goes by the time of the state database, whatever the clock of its own host says", async () => {
    // As if the host of the state database were five minutes ahead of this one.
    await onState(`create schema ahead;
      create function ahead.clock_timestamp() returns timestamptz language sql
        as $$ select pg_catalog.clock_timestamp() + interval '5 min' $$;
      alter database cloudphoenix set search_path = ahead, pg_catalog, public`);
    try {
      const controller = await startController(world);
      const url = await controller.url();
      await untilLeading(url);
      const { body } = await callApi(world.folder, `${url}/v1/status`);
      const [, atMs] = /"atMs":(\d+)/u.exec(JSON.stringify(body)) ?? [];
      expect(Number(atMs) - Date.now()).toBeGreaterThan(4 * 60_000);
      expect(Number(atMs) - Date.now()).toBeLessThan(6 * 60_000);
      controller.child.kill("SIGTERM");
      expect(await controller.exit).toBe(0);
    } finally {
      await onState("alter database cloudphoenix reset search_path; drop schema ahead cascade");
    }
  });

  test("leaves with code 75 the moment its leadership is lost", async () => {
    const controller = await startController(world);
    await untilLeading(await controller.url());
    await onState(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cloudphoenix-leader'",
    );
    expect(await controller.exit).toBe(75);
    expect(controller.output).toContain("leadership lost, leaving at once");
  });
});

describe("two controllers on one state database", SLOW, () => {
  test("one acts, the other takes over when it is killed", async () => {
    const first = await startController(world);
    const firstUrl = await first.url();
    await untilLeading(firstUrl);
    const second = await startController(world);
    const secondUrl = await second.url();

    const maintenance = { on: true, reason: "upgrade", by: "ada" };
    const order = { method: "PUT", body: JSON.stringify(maintenance) };
    expect(await callApi(world.folder, `${secondUrl}/v1/maintenance`, order)).toMatchObject({
      status: 503,
      body: { code: "NOT_LEADER" },
    });
    expect(await callApi(world.folder, `${secondUrl}/v1/status`)).toMatchObject({
      status: 200,
      body: { controller: { role: "follower" }, active: "aws-us-east-1" },
    });
    expect(await callApi(world.folder, `${firstUrl}/v1/maintenance`, order)).toMatchObject({
      status: 200,
    });

    first.child.kill("SIGKILL");
    await untilLeading(secondUrl);
    const { body } = await callApi(world.folder, `${secondUrl}/v1/status`);
    expect(body).toMatchObject({ controller: { role: "leader" } });
    expect(JSON.stringify(body)).toContain("upgrade");
    second.child.kill("SIGTERM");
    expect(await second.exit).toBe(0);
  });
});

describe("a start that cannot succeed", SLOW, () => {
  test("names every mistake of the configuration with file, line and column", async () => {
    const path = join(world.folder, "wrong.yaml");
    const text = await readFile(world.config, "utf8");
    await writeFile(path, text.replace("rto: 10s", "rto: soon").replace("ttl: 1s", "tll: 1s"));
    const controller = new ControllerProcess(["--config", path]);
    expect(await controller.exit).toBe(78);
    expect(controller.errors).toContain(`${path}:4:22: error: application.objectives.rto`);
    expect(controller.errors).toContain("did you mean `ttl`?");
  });

  test("names every secret file that cannot be used", async () => {
    const path = join(world.folder, "secrets/other.yaml");
    await writeFile(path, await readFile(world.config, "utf8"));
    const controller = new ControllerProcess(["--config", path]);
    expect(await controller.exit).toBe(78);
    for (const name of ["db", "replicator", "provider", "tsig"]) {
      expect(controller.errors).toContain(`secrets/secrets/${name}`);
    }
    await rm(path);
  });

  test("says that the port is taken", async () => {
    const port = await freePort();
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(port, "127.0.0.1", resolve);
    });
    const controller = new ControllerProcess([
      "--config",
      world.config,
      "--listen",
      `127.0.0.1:${port}`,
    ]);
    expect(await controller.exit).toBe(1);
    expect(controller.errors).toContain(`127.0.0.1:${port} is taken by another process`);
    other.close();
  });

  test.each([
    [["--confg", "x"], "--confg"],
    [[], "--config is missing"],
    [["--config", "x", "--listen", "here"], "--listen here is not host:port"],
    [["--config", "x", "--log-level", "loud"], "--log-level loud is not a level"],
  ])("explains a wrong command line: %s", async (args, words) => {
    const controller = new ControllerProcess(args);
    expect(await controller.exit).toBe(64);
    expect(controller.errors).toContain(words);
    expect(controller.errors).toContain("usage:");
  });
});

describe("--stop-state-database", SLOW, () => {
  test("also stops the embedded PostgreSQL", async () => {
    const log = join(world.folder, "controller.log");
    const controller = await startController(world, "--stop-state-database", "--log-file", log);
    await eventually("the API", async () => {
      const text = await readFile(log, "utf8").catch(() => "");
      return text.includes("the API answers") ? true : null;
    });
    const [before] = await onState<{ pid: number }>("select pg_postmaster_start_time() as pid");
    controller.child.kill("SIGTERM");
    expect(await controller.exit).toBe(0);
    expect(controller.output).toBe("");
    // `onState` starts it again, so a newer start time proves that it was stopped.
    const [after] = await onState<{ pid: number }>("select pg_postmaster_start_time() as pid");
    expect(after).not.toEqual(before);
  });
});
