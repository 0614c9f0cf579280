// The real control passes the suite that the simulated ones pass, on two real servers.
import type { SiteId } from "@cloudphoenix/core";
import { type DatabaseControlHarness, describeDatabaseControl } from "@cloudphoenix/testkit";
import { afterAll, beforeAll } from "vitest";
import { Link } from "./fixture/link.ts";
import { Pair, SITE_A, SITE_B } from "./fixture/pair.ts";
import { realClock } from "./fixture/real-clock.ts";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";
import { until } from "./fixture/until.ts";

const SCHEMA = `
  create table public.counters (id serial primary key, name text);
  grant select, insert on public.counters to app;
  grant usage on all sequences in schema public to app;`;

const LEASE_MS = 600_000;

/** Short, so that a silent server costs little; long enough for a busy machine. */
const LIMITS = { connectMs: 1_500, statementMs: 3_000, connections: 16 };

let servers: TwoServers;
/** The ways our adapters take to the servers; the sites' own ways to each other are others. */
let ways: Readonly<Record<SiteId, Link>>;
let pairs = 0;

beforeAll(async () => {
  servers = await startTwoServers();
  ways = {
    [SITE_A]: await Link.open(await freePort(), servers.a.port),
    [SITE_B]: await Link.open(await freePort(), servers.b.port),
  };
});
afterAll(async () => {
  await Promise.all(Object.values(ways).map((way) => way.close()));
  await servers.remove();
});

describeDatabaseControl({
  name: "PostgreSQL",
  // A session that falls silent is waited for longest.
  silenceLimitMs: LIMITS.statementMs + 500,
  setup: async () => harnessOf(await open(false)),
  setupLeased: async () => {
    const pair = await open(true);
    await pair.grantLease(SITE_A, 1, LEASE_MS);
    // One that a standby still has from the time when it was active.
    await pair.ask(SITE_B, "update cloudphoenix.site set role = 'active'");
    await pair.grantLease(SITE_B, 1, LEASE_MS);
    await pair.ask(SITE_B, "update cloudphoenix.site set role = 'standby'");
    return {
      ...harnessOf(pair),
      grantLease: (site, epoch) => pair.grantLease(site, epoch, LEASE_MS),
    };
  },
});

async function open(leased: boolean): Promise<Pair> {
  pairs += 1;
  const pair = await Pair.make(servers, {
    application: `contract-${pairs}`,
    schema: SCHEMA,
    leased,
    limits: LIMITS,
    adminPort: (site) => wayTo(site).port,
  });
  await pair.follow();
  return pair;
}

function harnessOf(pair: Pair): DatabaseControlHarness {
  const { control, watch } = pair.replication;
  return {
    control,
    another: pair.another().control,
    sites: [SITE_A, SITE_B],
    clock: realClock,
    write: async (site) => {
      try {
        const app = await pair.client(site, "app");
        await app.query("insert into counters (name) values ('x')");
        return true;
      } catch {
        return false;
      }
    },
    count: async (site) => (await pair.ask(site, "select from counters")).length,
    beat: async () => {
      watch.start();
      const sinceMs = realClock.now();
      await until(async () => (watch.facts(SITE_B).writtenAtMs ?? 0) > sinceMs);
    },
    part: async () => servers.a.link.cut(),
    meet: async () => servers.a.link.mend(),
    crash: (site) => pair.server(site).local.killHard(),
    start: (site) => pair.server(site).reopen(),
    silence: async (site) => wayTo(site).cut(),
    speak: async (site) => wayTo(site).mend(),
    spoilCopy: async () => {
      await pair.ask(SITE_B, "update pg_subscription_rel set srsubstate = 'd'");
    },
    stop: async () => {
      for (const site of [SITE_A, SITE_B]) wayTo(site).mend();
      servers.a.link.mend();
      await Promise.all([servers.a.reopen(), servers.b.reopen()]);
      await pair.close();
    },
  };
}

function wayTo(site: SiteId): Link {
  const way = ways[site];
  if (way === undefined) throw new RangeError(`no way to ${site}`);
  return way;
}
