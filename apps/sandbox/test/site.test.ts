// Goal: the stand-in for a cloud region schedules, balances and obeys like one.
// Method: real processes as pods, the real control plane over HTTP, asked through the clients the
// controller uses (adapters/local). Only the database is a stub.
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  LocalDatabaseHost,
  LocalNetworkFencer,
  LocalWorkloadControl,
  LocalWorkloadFencer,
} from "@cloudphoenix/adapter-local";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveJson } from "../src/http/json-api.ts";
import { NetworkFence } from "../src/network/fence.ts";
import { LinkSet } from "../src/network/link-set.ts";
import { ProcessRegistry, systemClock } from "../src/process/index.ts";
import { Balancer } from "../src/site/balancer.ts";
import { GenerationGuard } from "../src/site/generation-guard.ts";
import { providerRoutes } from "../src/site/provider-api.ts";
import { SiteWorkload } from "../src/site/workload.ts";
import { freePorts } from "./fixtures/free-ports.ts";

const never = new AbortController().signal;
const token = "secret-token";
let directory: string;
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cloudphoenix-site-"));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  rmSync(directory, { recursive: true, force: true });
});

async function openSite() {
  const [provider = 0, balancerPort = 0, ...pods] = await freePorts(6);
  const program = join(import.meta.dirname, "fixtures/pod.ts");
  const workload = new SiteWorkload({
    site: "aws-us-east-1",
    spec: {
      name: "orders",
      replicas: 2,
      ports: pods,
      balancerPort,
      zones: ["a", "b"],
      program,
      args: [],
      env: {},
    },
    logDirectory: directory,
    registry: new ProcessRegistry(join(directory, "processes")),
  });
  const balancer = await Balancer.open(workload, balancerPort);
  const database = {
    state: "stopped" as "running" | "stopped",
    starts: 0,
    async start() {
      this.starts += 1;
      this.state = "running";
    },
  };
  const generations = new GenerationGuard(join(directory, "generation"));
  const api = await serveJson({
    host: "127.0.0.1",
    port: provider,
    token,
    routes: providerRoutes({
      workloads: [workload],
      database,
      balancers: () => [balancer],
      generations,
    }),
  });
  cleanups.push(
    () => workload.close(),
    () => balancer.close(),
    () => api.close(),
  );
  const url = `http://127.0.0.1:${provider}`;
  return { workload, balancer, balancerPort, database, url, endpoints: endpointsOf(url, token) };
}

function endpointsOf(url: string, bearer: string) {
  return new Map([["a", { url, token: bearer }]]);
}

async function readySite() {
  const site = await openSite();
  site.workload.scale(2);
  await expect.poll(() => site.workload.ready, { timeout: 10_000 }).toBe(2);
  return site;
}

/** Who answers on a connection of its own; the error code if nobody does. */
function visit(port: number, path = "/"): Promise<string> {
  return new Promise((resolve) => {
    const asking = request({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      response.setEncoding("utf8").on("data", (text: string) => resolve(text));
    });
    asking.on("error", (error) => resolve("code" in error ? String(error.code) : "error"));
    asking.end();
  });
}

async function visitors(port: number, count: number): Promise<string[]> {
  const names = await Promise.all(Array.from({ length: count }, () => visit(port)));
  return [...new Set(names)].toSorted();
}

test("new connections spread over the ready pods, on two nodes", async () => {
  const { workload, balancerPort, balancer } = await readySite();

  expect(await visitors(balancerPort, 4)).toEqual(["orders-0", "orders-1"]);
  expect(workload.pods.map(({ node }) => node)).toEqual(["aws-us-east-1a", "aws-us-east-1b"]);
  expect(balancer.report()).toMatchObject({ status: "healthy" });
});

test("a pod that is not ready gets nothing while another is ready, and all once none is", async () => {
  const { workload, balancerPort, balancer } = await readySite();
  const [first, second] = workload.pods;

  await visit(first?.port ?? 0, "/unready");
  await expect.poll(() => workload.ready).toBe(1);
  expect(await visitors(balancerPort, 4)).toEqual(["orders-1"]);

  await visit(second?.port ?? 0, "/unready");
  await expect.poll(() => workload.ready).toBe(0);
  expect(await visitors(balancerPort, 4)).toEqual(["orders-0", "orders-1"]);
  expect(balancer.report()).toMatchObject({ status: "healthy" });
});

test("a target that refuses is passed over and reported before any check has seen it", async () => {
  const { workload, balancerPort } = await readySite();
  const [port = 0, dead = 0] = await freePorts(2);
  const refused: number[] = [];
  const gone = { port: dead, ready: true, answers: true, markDown: () => refused.push(dead) };
  const [alive] = workload.pods;
  const pods = alive === undefined ? [] : [alive, gone];
  const balancer = await Balancer.open({ name: "orders", pods, desired: 2 }, port);
  cleanups.push(() => balancer.close());

  expect(await visitors(port, 4)).toEqual(["orders-0"]);
  expect(refused).toHaveLength(2);
  expect(await visitors(balancerPort, 4)).toEqual(["orders-0", "orders-1"]);
});

test("a crashed pod stays down, gets no connection, and shows in every report", async () => {
  const { workload, balancerPort, balancer, url } = await readySite();

  workload.pods[1]?.crash();
  await expect.poll(() => workload.pods[1]?.state).toBe("crashed");

  expect(await visitors(balancerPort, 6)).toEqual(["orders-0"]);
  expect(workload.troubles).toEqual(["orders-1 on aws-us-east-1b ended (SIGKILL) and stays down"]);
  expect(balancer.report()).toMatchObject({
    status: "degraded",
    detail: "1 of 2 targets of orders answer",
  });
  const nodes = await (await fetch(`${url}/v1/nodes`)).json();
  expect(nodes).toEqual({ status: "degraded", detail: "aws-us-east-1b: orders-1 crashed" });
});

test("restarting replaces what crashed, and doing it twice changes nothing more", async () => {
  const { workload, endpoints } = await readySite();
  const control = new LocalWorkloadControl({ endpoints });
  workload.pods[1]?.crash();
  await expect.poll(() => workload.pods[1]?.state).toBe("crashed");

  await control.restart("a", "orders", { generation: 1 }, never);
  const replaced = [...workload.pods];
  await control.restart("a", "orders", { generation: 1 }, never);
  expect(workload.pods).toEqual(replaced);
  await expect.poll(() => workload.ready, { timeout: 10_000 }).toBe(2);

  expect(await control.inspect("a", "orders", never)).toEqual({
    desired: 2,
    ready: 2,
    troubles: [],
  });
});

test("when a zone fails, a restart brings its pod up on the node that is left", async () => {
  const { workload, url } = await readySite();

  workload.failZone("a");
  await expect.poll(() => workload.pods[0]?.state).toBe("crashed");
  workload.restart();
  await expect.poll(() => workload.ready, { timeout: 10_000 }).toBe(2);

  expect(workload.pods.map(({ node }) => node)).toEqual(["aws-us-east-1b", "aws-us-east-1b"]);
  const nodes = await (await fetch(`${url}/v1/nodes`)).json();
  expect(nodes).toEqual({ status: "degraded", detail: "aws-us-east-1a is down" });
});

test("with no node left nothing is started and the reason is told", async () => {
  const { workload } = await openSite();

  workload.failZone("a");
  workload.failZone("b");
  workload.scale(2);

  expect(workload.pods).toEqual([]);
  expect(workload.troubles).toEqual(["2 of 2 replicas have no node to run on"]);
});

test("a site without any pod resets connections", async () => {
  const { balancerPort, balancer } = await openSite();

  expect(await visit(balancerPort)).toBe("ECONNRESET");
  expect(balancer.report()).toMatchObject({ status: "unhealthy" });
});

test("the control plane refuses a wrong token, except for the two health routes", async () => {
  const { url } = await openSite();
  const control = new LocalWorkloadControl({ endpoints: endpointsOf(url, "wrong") });

  await expect(control.inspect("a", "orders", never)).rejects.toMatchObject({
    code: "UNAUTHORIZED",
  });
  expect((await fetch(`${url}/v1/unheard-of`)).status).toBe(401);
  expect((await fetch(`${url}/v1/load-balancer`)).status).toBe(200);
});

test("a stale generation changes nothing, also after the control plane was restarted", async () => {
  const { workload, endpoints } = await openSite();
  const control = new LocalWorkloadControl({ endpoints });
  await control.scale("a", "orders", { replicas: 0, generation: 5 }, never);

  const scaling = control.scale("a", "orders", { replicas: 2, generation: 4 }, never);
  await expect(scaling).rejects.toMatchObject({ code: "STALE_GENERATION", retryable: false });
  expect(workload.desired).toBe(0);

  const restarted = new GenerationGuard(join(directory, "generation"));
  expect(() => restarted.admit(4)).toThrow(/older than 5/u);
  expect(() => restarted.admit(5)).not.toThrow();
});

test.each([
  [{ replicas: -1, generation: 1 }],
  [{ replicas: 99, generation: 1 }],
  [{ replicas: 1.5, generation: 1 }],
])("scaling to %o is refused as a bad request", async (change) => {
  const { endpoints } = await openSite();
  const control = new LocalWorkloadControl({ endpoints });

  await expect(control.scale("a", "orders", change, never)).rejects.toMatchObject({
    code: "BAD_REQUEST",
  });
});

test("an unknown workload is refused by name", async () => {
  const { endpoints } = await openSite();
  const control = new LocalWorkloadControl({ endpoints });

  await expect(control.inspect("a", "billing", never)).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: expect.stringContaining("billing"),
  });
});

test("a stopped database is started through the control plane", async () => {
  const { endpoints, database } = await openSite();
  const host = new LocalDatabaseHost({ endpoints });

  expect(await host.inspect("a", never)).toBe("stopped");
  await host.restart("a", { generation: 1 }, never);

  expect(await host.inspect("a", never)).toBe("running");
  expect(database.starts).toBe(1);
});

test("fencing by workload is confirmed once no replica is left, and can be lifted", async () => {
  const { workload, endpoints } = await readySite();
  const workloads = [{ name: "orders", replicas: 2 }];
  const fencer = new LocalWorkloadFencer({ endpoints, clock: systemClock, workloads });

  expect(await fencer.forecast("a", never)).toMatchObject({ degree: "confirmed" });
  expect(workload.ready).toBe(2);
  expect(await fencer.fence("a", 2, never)).toMatchObject({
    means: "workload",
    degree: "confirmed",
  });
  expect(workload.pods).toEqual([]);
  expect(await fencer.fence("a", 2, never)).toMatchObject({ degree: "confirmed" });
  await expect(fencer.fence("a", 1, never)).rejects.toMatchObject({ code: "STALE_GENERATION" });
  await fencer.unfence("a", 2, never);

  await expect.poll(() => workload.ready, { timeout: 10_000 }).toBe(2);
});

test("a site that does not answer cannot be proven fenced, and says so instead of failing", async () => {
  const [port = 0] = await freePorts(1);
  const fencer = new LocalWorkloadFencer({
    endpoints: endpointsOf(`http://127.0.0.1:${port}`, token),
    clock: systemClock,
    workloads: [{ name: "orders", replicas: 2 }],
  });

  expect(await fencer.fence("a", 2, never)).toMatchObject({ degree: "unproven" });
  expect(await fencer.forecast("a", never)).toMatchObject({ degree: "unproven" });
});

async function openNetwork() {
  const { balancerPort } = await readySite();
  const [users = 0, peer = 0, control = 0, api = 0] = await freePorts(4);
  const link = (from: string, what: string, port: number) => ({
    name: `${from}->aws:${what}`,
    from,
    to: "aws",
    what,
    listen: { host: "127.0.0.1", port },
    target: { host: "127.0.0.1", port: balancerPort },
    delayMs: 0,
  });
  const links = await LinkSet.open(
    [
      link("internet", "entry", users),
      link("azure", "postgres", peer),
      link("control", "entry", control),
    ],
    { next: () => 0.5 },
  );
  const sites = [{ id: "a", place: "aws", address: "127.0.1.1" }];
  const server = await serveJson({
    host: "127.0.0.1",
    port: api,
    token,
    routes: new NetworkFence(links, sites).routes(),
  });
  cleanups.push(
    () => links.close(),
    () => server.close(),
  );
  const fencer = new LocalNetworkFencer({ endpoint: { url: `http://127.0.0.1:${api}`, token } });
  return { users, peer, control, fencer, links };
}

test("fencing by network refuses users and peers and leaves the management path open", async () => {
  const { users, peer, control, fencer } = await openNetwork();

  expect(await fencer.fence("a", 3, never)).toMatchObject({ means: "network", degree: "network" });

  expect(await visit(users)).toBe("ECONNRESET");
  expect(await visit(peer)).toBe("ECONNRESET");
  expect(await visit(control)).toMatch(/^orders-/u);
  await expect(fencer.fence("a", 2, never)).rejects.toMatchObject({ code: "STALE_GENERATION" });
  await expect(fencer.unfence("a", 2, never)).rejects.toMatchObject({ code: "STALE_GENERATION" });
  expect(await visit(users)).toBe("ECONNRESET");

  await fencer.unfence("a", 3, never);
  expect(await visit(users)).toMatch(/^orders-/u);
});

test("a forecast of the network fence changes nothing", async () => {
  const { users, fencer } = await openNetwork();

  expect(await fencer.forecast("a", never)).toMatchObject({ degree: "network" });

  expect(await visit(users)).toMatch(/^orders-/u);
});

test("impairing an unknown link is refused before any link is touched", async () => {
  const { links, users } = await openNetwork();
  const names = ["internet->aws:entry", "mars->aws:entry"];

  expect(() => links.impair("test", names, { refuse: true })).toThrow(/mars->aws:entry/u);

  expect(await visit(users)).toMatch(/^orders-/u);
});
