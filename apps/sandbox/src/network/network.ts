/** Everything between the places: links, DNS, the clients' edges, the fence, the canary. */
import { readFileSync } from "node:fs";
import {
  AuthoritativeZone,
  startDnsServer,
  startEdge,
  TtlResolver,
} from "@cloudphoenix/adapter-dns";
import type { Clock, Random } from "@cloudphoenix/engine";
import { serveJson } from "../http/json-api.ts";
import { NetworkFence } from "./fence.ts";
import { LinkSet } from "./link-set.ts";
import type { NetworkSpec } from "./operations.ts";

export interface Network {
  readonly links: LinkSet;
  /** Closes everything that was opened. */
  close(): Promise<void>;
}

interface World {
  readonly clock: Clock;
  readonly random: Random;
}

type Closable = { close(): Promise<void> };

/** Starts all parts; if one fails, those that started are closed. @throws {CloudPhoenixError} `PORT_TAKEN` */
export async function startNetwork(spec: NetworkSpec, world: World): Promise<Network> {
  const links = await LinkSet.open(spec.links, world.random);
  const parts: Closable[] = [links];
  const close = async (): Promise<void> => {
    await Promise.all(parts.map((part) => part.close()));
  };
  try {
    parts.push(await startFence(spec, links));
    parts.push(await startCanary(spec));
    parts.push(await startDns(spec, world));
    for (const edge of spec.edges) parts.push(await startClientEdge(edge, spec, world));
    return { links, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function startFence({ fence, sites }: NetworkSpec, links: LinkSet): Promise<Closable> {
  const token = readFileSync(fence.tokenFile, "utf8").trim();
  const routes = new NetworkFence(links, sites).routes();
  return serveJson({ host: fence.host, port: fence.port, token, routes });
}

function startCanary({ canary }: NetworkSpec): Promise<Closable> {
  const live = { method: "GET", path: "/live", handle: () => ({ status: "healthy" }) } as const;
  return serveJson({ ...canary, token: null, routes: [live] });
}

function startDns({ dns }: NetworkSpec, { clock }: World): Promise<Closable> {
  const zone = new AuthoritativeZone({
    name: dns.zone,
    nameServer: `ns.${dns.zone}`,
    records: [{ name: dns.name, type: "A", ttlS: dns.ttlS, data: dns.address }],
  });
  const secret = Buffer.from(readFileSync(dns.tsig.secretFile, "utf8").trim(), "base64");
  const keys = [{ name: dns.tsig.name, algorithm: "hmac-sha256", secret }] as const;
  return startDnsServer({ host: dns.host, port: dns.port, zones: [zone], keys, clock });
}

function startClientEdge(
  edge: NetworkSpec["edges"][number],
  { dns }: NetworkSpec,
  world: World,
): Promise<Closable> {
  const server = { host: dns.host, port: dns.port };
  const resolver = new TtlResolver({ server, ...world });
  return startEdge({ ...edge, name: dns.name, resolver, clock: world.clock });
}
