/** A zone, a server on loopback, a key and a clock turned by hand. */
import { SeededRandom, VirtualClock } from "@cloudphoenix/testkit";
import { onTestFinished } from "vitest";
import { AuthoritativeZone, type ZoneSnapshot } from "../src/authoritative-zone.ts";
import { type DnsServer, startDnsServer } from "../src/dns-server.ts";
import { exchange } from "../src/exchange.ts";
import { type Rfc2136Options, Rfc2136TrafficSwitch } from "../src/rfc2136-traffic-switch.ts";
import type { ZoneRecord } from "../src/record-data.ts";
import type { TsigKey } from "../src/tsig.ts";

export const KEY: TsigKey = {
  name: "cloudphoenix",
  algorithm: "hmac-sha256",
  secret: Buffer.from("a secret that only the two of us know"),
};

export const NEVER: AbortSignal = new AbortController().signal;

/** Where the record may lead. */
export const ADDRESSES = { "aws-us-east-1": "127.0.1.1", "azure-westeurope": "127.0.2.1" } as const;

export interface DnsWorld {
  readonly zone: AuthoritativeZone;
  readonly server: DnsServer;
  readonly clock: VirtualClock;
  /** Failures the server reported. */
  readonly troubles: unknown[];
  readonly ask: (message: Buffer, transport?: "udp" | "tcp") => Promise<Buffer>;
  readonly trafficSwitch: (changes?: Partial<Rfc2136Options>) => Rfc2136TrafficSwitch;
}

/** A world that ends with the test. */
export async function startWorld(
  store?: (snapshot: ZoneSnapshot) => void,
  extra: readonly ZoneRecord[] = [],
): Promise<DnsWorld> {
  const world = await openWorld(store, extra);
  onTestFinished(() => world.server.close());
  return world;
}

/** A world whose server the caller closes. */
export async function openWorld(
  store?: (snapshot: ZoneSnapshot) => void,
  extra: readonly ZoneRecord[] = [],
): Promise<DnsWorld> {
  const clock = new VirtualClock();
  const zone = new AuthoritativeZone({
    name: "phoenix.test",
    nameServer: "ns1.phoenix.test",
    records: [{ name: "shop.phoenix.test", type: "A", ttlS: 1, data: "127.0.1.1" }, ...extra],
    ...(store === undefined ? {} : { store }),
  });
  const troubles: unknown[] = [];
  const server = await startDnsServer({
    host: "127.0.0.1",
    port: 0,
    zones: [zone],
    keys: [KEY],
    clock,
    onTrouble: (error) => troubles.push(error),
  });
  const address = { host: server.host, port: server.port };
  return {
    zone,
    server,
    clock,
    troubles,
    ask: (message, transport = "udp") =>
      exchange(message, { server: address, transport, timeoutMs: 5000, signal: NEVER }),
    trafficSwitch: (changes = {}) =>
      new Rfc2136TrafficSwitch({
        server: address,
        zone: "phoenix.test",
        name: "shop.phoenix.test",
        ttlMs: 1000,
        key: KEY,
        addresses: ADDRESSES,
        clock,
        random: new SeededRandom(7),
        ...changes,
      }),
  };
}
