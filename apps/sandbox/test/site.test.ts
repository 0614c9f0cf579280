// Goal: the stand-in for a cloud region schedules, balances and obeys like one.
// Method: real processes as pods, the real control plane over HTTP, asked through the clients the
// controller uses (adapters/local). Only the database is a stub. What every control of workloads
// and every fence promises is tested in site-contracts.test.ts.
import { join } from "node:path";
import {
  LocalDatabaseHost,
  LocalNetworkFencer,
  LocalWorkloadControl,
} from "@cloudphoenix/adapter-local";
import { afterEach, expect, test } from "vitest";
import { Balancer } from "../src/site/balancer.ts";
import { GenerationGuard } from "../src/site/generation-guard.ts";
import { freePorts } from "./fixtures/free-ports.ts";
import {
  endpointOf,
  openNetwork as openNetworkTo,
  type OpenedNetwork,
  openSite as openBareSite,
  type OpenedSite,
  visit,
} from "./fixtures/site-ground.ts";

const never = new AbortController().signal;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Site = OpenedSite & {
  readonly url: string;
  readonly endpoints: ReturnType<typeof endpointsOf>;
};

async function openSite(): Promise<Site> {
  const site = await openBareSite();
  cleanups.push(site.close);
  const { url } = endpointOf(site.providerPort);
  return { ...site, url, endpoints: endpointsOf(site) };
}

function endpointsOf({ providerPort }: OpenedSite, token?: string) {
  return new Map([["a", endpointOf(providerPort, token)]]);
}

async function readySite(): Promise<Site> {
  const site = await openSite();
  site.workload.scale(2);
  await expect.poll(() => site.workload.ready, { timeout: 10_000 }).toBe(2);
  return site;
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
  const site = await openSite();
  const { url } = site;
  const control = new LocalWorkloadControl({ endpoints: endpointsOf(site, "wrong") });

  await expect(control.inspect("a", "orders", never)).rejects.toMatchObject({
    code: "UNAUTHORIZED",
  });
  expect((await fetch(`${url}/v1/unheard-of`)).status).toBe(401);
  expect((await fetch(`${url}/v1/load-balancer`)).status).toBe(200);
});

test("a generation is remembered by a control plane that was restarted", async () => {
  const { directory, endpoints } = await openSite();
  const control = new LocalWorkloadControl({ endpoints });
  await control.scale("a", "orders", { replicas: 0, generation: 5 }, never);

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

async function openNetwork(): Promise<OpenedNetwork & { readonly fencer: LocalNetworkFencer }> {
  const { balancerPort } = await readySite();
  const network = await openNetworkTo(balancerPort);
  cleanups.push(network.close);
  return { ...network, fencer: new LocalNetworkFencer({ endpoint: endpointOf(network.apiPort) }) };
}

test("fencing by network refuses users and peers and leaves the management path open", async () => {
  const { users, peer, control, fencer } = await openNetwork();

  await fencer.fence("a", 3, never);

  expect(await visit(users)).toBe("ECONNRESET");
  expect(await visit(peer)).toBe("ECONNRESET");
  expect(await visit(control)).toMatch(/^orders-/u);
});

test("impairing an unknown link is refused before any link is touched", async () => {
  const { links, users } = await openNetwork();
  const names = ["internet->aws:entry", "mars->aws:entry"];

  expect(() => links.impair("test", names, { refuse: true })).toThrow(/mars->aws:entry/u);

  expect(await visit(users)).toMatch(/^orders-/u);
});
