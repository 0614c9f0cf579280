/** What becomes of the lock that keeps changes apart while its holder rests, works elsewhere, or is gone. */
import { hasCode, type SiteId } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exclusively } from "../src/exclusively.ts";
import type { PostgresReplication } from "../src/index.ts";
import { DEFAULT_LIMITS } from "../src/postgres-options.ts";
import { type SiteConnection, SiteConnections } from "../src/site-connections.ts";
import { failureOf } from "./fixture/failure.ts";
import { Link } from "./fixture/link.ts";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { type Parted, partSites } from "./fixture/parted.ts";
import { realClock } from "./fixture/real-clock.ts";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";

const SCHEMA = "create table public.counters (id serial primary key, name text)";
const STORY = { lost: "insert into counters values (7, 'lost')" };

/** The server ends a silent holder after fifteen seconds; the rest is the change itself, on a busy machine. */
const FREE_WITHIN_MS = 45_000;
/** Longer than a holder may be silent. */
const RESTS_MS = 17_000;
const MINUTE_MS = 60_000;

/** Of a process that is frozen: no wait of it ever ends. */
const STOPPED: Clock = {
  ...realClock,
  sleep: (_, signal) =>
    new Promise((__, reject) => signal?.addEventListener("abort", () => reject(new Error("over")))),
};

let servers: TwoServers;
/** One for each case, so that the cases wait at the same time. */
const pairs = new Map<string, Pair>();
const parted = new Map<string, Parted>();

beforeAll(async () => {
  servers = await startTwoServers();
  for (const application of ["rests-rejoin", "rests-reapply"]) {
    const one = await partSites(servers, { application, schema: SCHEMA }, STORY);
    parted.set(application, one);
    pairs.set(application, one.pair);
  }
  for (const application of ["rests-alive", "rests-frozen"]) {
    pairs.set(application, await Pair.make(servers, { application, schema: SCHEMA }));
  }
}, MINUTE_MS);
afterAll(async () => {
  for (const pair of pairs.values()) await pair.close();
  await servers.remove();
});

describe.concurrent("a change whose controller vanished while it held the lock", () => {
  test(
    "is made by the next one: a rejoin",
    async () => {
      const { request } = partedOf("rests-rejoin");
      const made = await afterVanishing("rests-rejoin", {
        locks: 2,
        change: ({ salvage }) => salvage.rejoin(SITE_A, SITE_B, request, soon(MINUTE_MS)),
      });
      expect(made).toMatchObject({ deleted: 1, alreadyDone: false });
    },
    2 * MINUTE_MS,
  );

  test(
    "is made by the next one: writing back what was lost",
    async () => {
      const { appliedLsn } = partedOf("rests-reapply");
      const request = { appliedLsn, generation: 2 };
      const made = await afterVanishing("rests-reapply", {
        locks: 1,
        change: ({ salvage }) => salvage.reapply(SITE_A, SITE_B, request, soon(MINUTE_MS)),
      });
      expect(made).toMatchObject({ applied: 1 });
    },
    2 * MINUTE_MS,
  );
});

/** The lock is one of each database. */
describe.concurrent.each([
  ["between statements", SITE_A, "select", "select"],
  ["inside a transaction", SITE_B, "begin", "commit"],
])("a session that holds the lock and rests %s", (_, site, before, after) => {
  test(
    "keeps it while its holder lives",
    async () => {
      await withLender("rests-alive", site, async (lend) => {
        const holding = lend((connection) =>
          exclusively(
            connection,
            async () => {
              await connection.query(before);
              await realClock.sleep(RESTS_MS);
              const refused = lend((other) => exclusively(other, async () => "had", LIVING));
              expect(await failureOf(refused)).toMatchObject({ code: "CONFLICT" });
              await connection.query(after);
              return "done";
            },
            LIVING,
          ),
        );
        expect(await holding).toBe("done");
        expect(await lend((next) => exclusively(next, async () => "had", LIVING))).toBe("had");
      });
    },
    MINUTE_MS,
  );

  test(
    "loses it when its holder is frozen, who finds that out",
    async () => {
      await withLender("rests-frozen", site, async (lend) => {
        const frozen = Promise.withResolvers<void>();
        const thawed = Promise.withResolvers<void>();
        const holding = lend((connection) =>
          exclusively(
            connection,
            async () => {
              await connection.query(before);
              frozen.resolve();
              await thawed.promise;
              await connection.query(after);
            },
            { clock: STOPPED },
          ),
        );
        const ended = failureOf(holding);
        await frozen.promise;
        const take = () => lend((next) => exclusively(next, async () => "had", LIVING));
        expect(await soonFree(take)).toBe("had");
        thawed.resolve();
        expect(await ended).toMatchObject({ code: "UNREACHABLE", retryable: true });
      });
    },
    MINUTE_MS,
  );
});

const LIVING = { clock: realClock };

/** Tries again while another holds the lock, and not for longer than that may last. */
async function soonFree<T>(take: () => Promise<T>): Promise<T> {
  const untilMs = realClock.now() + FREE_WITHIN_MS;
  for (;;) {
    try {
      return await take();
    } catch (error) {
      if (!hasCode(error, "CONFLICT") || realClock.now() > untilMs) throw error;
    }
    await realClock.sleep(250);
  }
}

/**
 * Makes `change` through links that swallow everything once it holds its locks and keep the sockets
 * open, as a host without power does; then makes it again as the next leader would.
 */
async function afterVanishing(
  application: string,
  {
    locks,
    change,
  }: {
    readonly locks: number;
    readonly change: (adapter: PostgresReplication) => Promise<object>;
  },
): Promise<object> {
  const { pair } = partedOf(application);
  const links = new Map<SiteId, Link>();
  for (const site of [SITE_A, SITE_B]) {
    links.set(site, await Link.open(await freePort(), pair.server(site).port));
  }
  const gone = Promise.withResolvers<void>();
  let held = 0;
  const leaving = pair.another({
    adminPort: (site) => links.get(site)?.port ?? 0,
    beforeStatement: (_, statement) => {
      if (statement.includes("pg_advisory_lock(")) held += 1;
      else if (held === locks && !/^(begin|commit)/u.test(statement)) {
        for (const link of links.values()) link.cut();
        gone.resolve();
      }
    },
  });
  const left = failureOf(change(leaving));
  await gone.promise;
  const made = await soonFree(() => change(pair.replication));
  for (const link of links.values()) {
    link.mend();
    await link.close();
  }
  expect(await left).toMatchObject({ retryable: true });
  return made;
}

function partedOf(application: string): Parted {
  const one = parted.get(application);
  if (one === undefined) throw new Error(`no parted sites ${application}`);
  return one;
}

type Lend = <T>(work: (connection: SiteConnection) => Promise<T>) => Promise<T>;

async function withLender(
  application: string,
  site: SiteId,
  work: (lend: Lend) => Promise<void>,
): Promise<void> {
  const pair = pairs.get(application);
  if (pair === undefined) throw new Error(`no pair ${application}`);
  const url = `postgresql://cloudphoenix@127.0.0.1:${pair.server(site).port}/${pair.database}`;
  const password = "admin-secret-1";
  const options = {
    site,
    adminUrl: url,
    adminPassword: password,
    peerUrl: url,
    peerPassword: password,
    applicationRole: "app",
  };
  const connections = new SiteConnections({ sites: [options] }, DEFAULT_LIMITS);
  try {
    await work((borrow) => connections.withSession(site, soon(MINUTE_MS), borrow));
  } finally {
    await connections.close();
  }
}
