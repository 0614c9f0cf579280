// Where clients end up, with everything real: a zone, a switch, a resolver with its cache, two sites.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { SeededRandom, describeConvergenceProbe } from "@cloudphoenix/testkit";
import { DnsConvergenceProbe } from "../src/dns-convergence-probe.ts";
import type { DnsServerAddress } from "../src/exchange.ts";
import { portOf } from "../src/port-of.ts";
import { TtlResolver } from "../src/ttl-resolver.ts";
import { ADDRESSES, NEVER, openWorld } from "./dns-world.ts";

const HOME = "aws-us-east-1";
const OTHER = "azure-westeurope";

/** Long enough for a busy machine, short enough for a test that waits until it has passed. */
const TIMEOUT_MS = 1_500;

interface SiteServer {
  readonly port: number;
  /** Whether it says anything to whoever asks. */
  speaks: boolean;
  readonly close: () => Promise<void>;
}

/** A site at its own address; clients use one port at all of them. */
async function openSite(site: keyof typeof ADDRESSES, port: number): Promise<SiteServer> {
  const opened = { speaks: true };
  const server = createServer((_request, response) => {
    if (opened.speaks) response.end(JSON.stringify({ site }));
  });
  server.listen(port, ADDRESSES[site]);
  await once(server, "listening");
  return Object.assign(opened, { port: portOf(server), close: () => closeNow(server) });
}

async function closeNow(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Somebody who hears every question and never answers. */
async function openSilence(): Promise<{
  readonly address: DnsServerAddress;
  readonly close: () => void;
}> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  return { address: { host: "127.0.0.1", port }, close: () => socket.close() };
}

describeConvergenceProbe({
  name: "through DNS",
  setup: async () => {
    const world = await openWorld();
    const silence = await openSilence();
    const home = await openSite(HOME, 0);
    const other = await openSite(OTHER, home.port);
    const traffic = world.trafficSwitch();
    const { clock } = world;
    const resolverAt = (server: DnsServerAddress): TtlResolver =>
      new TtlResolver({ server, clock, random: new SeededRandom(3), timeoutMs: TIMEOUT_MS });
    let resolver = resolverAt(world.server);
    let generation = 0;
    return {
      probe: new DnsConvergenceProbe({
        vantage: "internet",
        resolver: { resolve: (name, signal) => resolver.resolve(name, signal) },
        name: "shop.phoenix.test",
        port: home.port,
        timeoutMs: TIMEOUT_MS,
      }),
      vantages: ["internet"],
      sites: [HOME, OTHER],
      lead: async (to) => {
        generation += 1;
        const { ttlMs } = await traffic.switchTo(to, generation, NEVER);
        await clock.advance(ttlMs);
      },
      shut: async (how) => {
        if (how === "silent") home.speaks = false;
        else await home.close();
      },
      blind: async (how) => {
        if (how === "silent") resolver = resolverAt(silence.address);
        else await world.server.close();
      },
      stop: async () => {
        silence.close();
        await Promise.all([world.server.close(), home.close(), other.close()]);
      },
    };
  },
});
