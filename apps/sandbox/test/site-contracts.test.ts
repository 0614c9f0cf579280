// The clients of the sandbox's control planes keep the promises of the engine's ports: real
// processes as pods, real control planes, real links in between.
import {
  LocalNetworkFencer,
  LocalWorkloadControl,
  LocalWorkloadFencer,
} from "@cloudphoenix/adapter-local";
import {
  type FencerHarness,
  type OutOfReach,
  describeFencer,
  describeWorkloadControl,
} from "@cloudphoenix/testkit";
import { afterAll, beforeAll } from "vitest";
import type { Impairment } from "../src/links/index.ts";
import { systemClock } from "../src/process/index.ts";
import {
  endpointOf,
  type OpenedNetwork,
  type OpenedSite,
  openNetwork,
  openSite,
  visit,
  type Way,
  wayTo,
} from "./fixtures/site-ground.ts";

const never = new AbortController().signal;

/** Long enough for a busy machine, short enough for a test that waits until it has passed. */
const TIMEOUT_MS = 1_500;

const IMPAIRMENTS: Readonly<Record<OutOfReach, Impairment>> = {
  refusing: { refuse: true },
  silent: { cut: "both" },
};

/** More than a test uses up. */
const GENERATIONS_PER_TEST = 10;

/** One for all tests: starting processes takes longer than they do. */
let site: OpenedSite;
let network: OpenedNetwork;
let generation = 1;

beforeAll(async () => {
  site = await openSite();
  network = await openNetwork(site.balancerPort);
});

afterAll(async () => {
  await network.close();
  await site.close();
});

/** The site with two ready pods; the generation is the newest one it was changed for. */
async function readySite(): Promise<number> {
  generation += GENERATIONS_PER_TEST;
  const control = new LocalWorkloadControl({
    endpoints: new Map([["a", endpointOf(site.providerPort)]]),
  });
  await control.scale("a", "orders", { replicas: 2, generation }, never);
  await control.restart("a", "orders", { generation }, never);
  while (site.workload.ready < 2 || site.workload.troubles.length > 0) await systemClock.sleep(20);
  return generation;
}

type Lose = FencerHarness["lose"];

async function wayToProvider(): Promise<
  Way & { readonly options: ConstructorParameters<typeof LocalWorkloadControl>[0]; lose: Lose }
> {
  const way = await wayTo(site.providerPort);
  const endpoints = new Map([["a", endpointOf(way.port)]]);
  return { ...way, options: { endpoints, timeoutMs: TIMEOUT_MS }, lose: losing(way) };
}

function losing(way: Way): Lose {
  return async (how) => way.impair(IMPAIRMENTS[how]);
}

describeWorkloadControl({
  name: "through a site's provider API",
  setup: async () => {
    const { options, lose, close } = await wayToProvider();
    return {
      control: new LocalWorkloadControl(options),
      another: new LocalWorkloadControl(options),
      site: "a",
      workload: "orders",
      generation: await readySite(),
      breakReplica: async () => site.workload.pods[1]?.crash(),
      lose,
      stop: close,
    };
  },
});

describeFencer({
  name: "by workload, through a site's provider API",
  degree: "network",
  setup: async () => {
    const { options, lose, close } = await wayToProvider();
    const workloads = [{ name: "orders", replicas: 2 }];
    const fencer = (): LocalWorkloadFencer =>
      new LocalWorkloadFencer({ ...options, clock: systemClock, workloads });
    return {
      fencer: fencer(),
      another: fencer(),
      site: "a",
      generation: await readySite(),
      writersPass: () => isServed(site.balancerPort),
      lose,
      stop: close,
    };
  },
});

describeFencer({
  name: "by the network of the sandbox",
  degree: "network",
  setup: async () => {
    const way = await wayTo(network.apiPort);
    const fencer = (): LocalNetworkFencer =>
      new LocalNetworkFencer({ endpoint: endpointOf(way.port), timeoutMs: TIMEOUT_MS });
    const newest = await readySite();
    await fencer().unfence("a", newest, never);
    return {
      fencer: fencer(),
      another: fencer(),
      site: "a",
      generation: newest,
      writersPass: () => isServed(network.users),
      lose: losing(way),
      stop: way.close,
    };
  },
});

async function isServed(port: number): Promise<boolean> {
  return (await visit(port)).startsWith("orders-");
}
