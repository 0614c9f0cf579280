/** Which links and ports a sandbox has. Pure: ports in, specifications out. */
import type { LinkSpec } from "../network/operations.ts";
import { otherPlace, type Place, PLACES, WORKLOADS, type WorkloadName } from "./places.ts";
import type { PortBook, PortNeed } from "./ports.ts";

/** One way between the internet and a site. Loopback alone would make every client look local. */
const INTERNET_DELAY_MS = 1;

/** One way between a site and where the controller and its state live. */
const WITNESS_DELAY_MS = 5;

const WORKLOAD_NAMES: readonly WorkloadName[] = ["orders", "fulfilment", "storefront"];

/** Port of the public entries, the same at both sites. */
export const CLIENT_PORT = "client";

/** Port of the public entries to the storefront, the same at both sites. */
export const STORE_PORT = "store";

/** Ports of the controllers' APIs; a sandbox has one controller or two. */
export const CONTROLLER_APIS: readonly string[] = ["api-1", "api-2"];

/** A link before ports are known. */
interface LinkOutline {
  readonly from: string;
  readonly to: string;
  readonly what: string;
  /** Name of the port it leads to. */
  readonly target: string;
  readonly delayMs: number;
  /** Where it listens, if not on a port of its own at 127.0.0.1. */
  readonly public?: { readonly address: string; readonly port: string };
}

/** `control->aws:entry` */
export function linkName(from: string, to: string, what: string): string {
  return `${from}->${to}:${what}`;
}

/** Every port a sandbox needs. */
export function portNeeds(): readonly PortNeed[] {
  const links = outlines(0).filter((link) => link.public === undefined);
  return [
    ...[CLIENT_PORT, STORE_PORT].map((name) => ({
      name,
      hosts: PLACES.map(({ address }) => address),
    })),
    { name: "dns", udp: true },
    ...[
      "edge",
      "store-edge",
      "canary",
      "fence",
      "control",
      ...CONTROLLER_APIS,
      "state",
      "internet:agent",
      "worker",
    ].map((name) => ({ name })),
    ...PLACES.flatMap(sitePortNames).map((name) => ({ name })),
    ...links.map(({ from, to, what }) => ({ name: linkName(from, to, what) })),
  ];
}

function sitePortNames({ cloud }: Place): readonly string[] {
  const parts = [
    "balancer",
    "storefront-balancer",
    "provider",
    "postgres",
    "database-link",
    "agent",
    "objects",
    "object-events",
  ];
  const pods = WORKLOAD_NAMES.flatMap((workload) => podNames(workload));
  return [...parts, ...pods].map((part) => `${cloud}:${part}`);
}

/** Ports of the pods of a workload at a site. */
export function podPorts(place: Place, workload: WorkloadName, ports: PortBook): readonly number[] {
  return podNames(workload).map((pod) => ports.get(`${place.cloud}:${pod}`));
}

/** Where the load balancer of a workload listens; null if it has none. */
export function balancerPort(
  { cloud }: Place,
  workload: WorkloadName,
  ports: PortBook,
): number | null {
  if (workload === "fulfilment") return null;
  return ports.get(`${cloud}:${workload === "orders" ? "" : `${workload}-`}balancer`);
}

/** Room for twice the normal number, so that pods can be replaced at once. */
function podNames(workload: WorkloadName): readonly string[] {
  return Array.from({ length: 2 * WORKLOADS[workload] }, (_, index) => `${workload}-${index}`);
}

/** Every link, with `wanDelayMs` one way between the two sites. */
export function linkSpecs(ports: PortBook, wanDelayMs: number): readonly LinkSpec[] {
  return outlines(wanDelayMs).map(({ from, to, what, target, delayMs, public: entry }) => {
    const name = linkName(from, to, what);
    const listen =
      entry === undefined
        ? { host: "127.0.0.1", port: ports.get(name) }
        : { host: entry.address, port: ports.get(entry.port) };
    const targetAt = { host: "127.0.0.1", port: ports.get(target) };
    return { name, from, to, what, listen, target: targetAt, delayMs };
  });
}

function outlines(wanDelayMs: number): readonly LinkOutline[] {
  return [
    ...PLACES.flatMap((place) => linksInto(place, wanDelayMs)),
    ...["control", "internet", ...PLACES.map(({ cloud }) => cloud)].map((from) => ({
      from,
      to: "canary",
      what: "live",
      target: "canary",
      delayMs: 0,
    })),
    { from: "control", to: "internet", what: "agent", target: "internet:agent", delayMs: 0 },
  ];
}

/**
 * Users, uptime monitor, controller and the other site each have a way of their own, so that
 * monitoring can fail without users noticing, and the other way round.
 */
function linksInto(place: Place, wanDelayMs: number): readonly LinkOutline[] {
  const to = place.cloud;
  const peer = otherPlace(place).cloud;
  const entry = `${to}:balancer`;
  const postgres = `${to}:postgres`;
  const internet = { from: "internet", to, target: entry, delayMs: INTERNET_DELAY_MS };
  const control = { from: "control", to, delayMs: 0 };
  const wan = { from: peer, to, delayMs: wanDelayMs };
  return [
    { ...internet, what: "entry", public: { address: place.address, port: CLIENT_PORT } },
    {
      ...internet,
      what: "store",
      target: `${to}:storefront-balancer`,
      public: { address: place.address, port: STORE_PORT },
    },
    { ...internet, what: "uptime" },
    { ...control, what: "entry", target: entry },
    { ...control, what: "postgres", target: postgres },
    { ...control, what: "provider", target: `${to}:provider` },
    { ...control, what: "agent", target: `${to}:agent` },
    // The worker that copies objects stands beside the controller, outside of every site.
    { ...control, delayMs: WITNESS_DELAY_MS, what: "objects", target: `${to}:objects` },
    { ...control, delayMs: WITNESS_DELAY_MS, what: "object-events", target: `${to}:object-events` },
    { ...wan, what: "entry", target: entry },
    { ...wan, what: "postgres", target: postgres },
    { ...wan, what: "agent", target: `${to}:agent` },
    // The way of the site's agent to the witness of the lease, which stands outside of every site.
    { from: to, to: "control", what: "witness", target: "state", delayMs: WITNESS_DELAY_MS },
    // The way of the storefront to the controllers, which tell everybody how the application is.
    ...CONTROLLER_APIS.map((api) => ({
      from: to,
      to: "control",
      what: api,
      target: api,
      delayMs: WITNESS_DELAY_MS,
    })),
  ];
}
