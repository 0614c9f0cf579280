/** What becomes of the lock that keeps changes apart when its holder is gone without a word. */
import { hasCode, type SiteId } from "@cloudphoenix/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exclusively } from "../src/exclusively.ts";
import type { PostgresReplication } from "../src/index.ts";
import { DEFAULT_LIMITS } from "../src/postgres-options.ts";
import { type SiteConnection, SiteConnections } from "../src/site-connections.ts";
import { failureOf } from "./fixture/failure.ts";
import { Link } from "./fixture/link.ts";
import { Pair, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { realClock } from "./fixture/real-clock.ts";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";

const SCHEMA = "create table public.counters (id serial primary key, name text)";

/** The waits between the tries of the step at their shortest (`step-limits.ts`). */
const BACKOFFS_MS = [250, 500, 1_000, 2_000];

/** The server ends a silent holder after eight seconds. */
const HELD_UP_MS = 10_000;

let servers: TwoServers;
/** One for each case, so that the cases wait at the same time. Made one after the other: roles are shared. */
const pairs = new Map<string, Pair>();

beforeAll(async () => {
  servers = await startTwoServers();
  for (const application of ["silent-lock", "silent-end", "frozen-lock", "frozen-end"]) {
    const pair = await Pair.make(servers, { application, schema: SCHEMA });
    pairs.set(application, pair);
    await pair.follow();
  }
});
afterAll(async () => {
  for (const pair of pairs.values()) await pair.close();
  await servers.remove();
});

describe("a promotion whose controller vanished", () => {
  // The link swallows what is sent and keeps both sockets open, as a host without power does.
  test.concurrent.each([
    ["just after it had the lock", "silent-lock", "select to_regclass"],
    ["in the middle of its last transaction", "silent-end", "update cloudphoenix.promotion"],
  ])(
    "%s is made by the next one within the tries of its step",
    async (_, application, lastWords) => {
      await withLink(application, async (pair, link) => {
        const leaving = promotingThrough(pair, link, lastWords, () => link.cut());
        const left = failureOf(leaving.promotion);
        await leaving.gone;
        const promotion = await promoteAsStep(pair.replication);
        expect(promotion).toMatchObject({ site: SITE_B, alreadyDone: false });
        expect(await pair.ask(SITE_B, "select role from cloudphoenix.site")).toEqual([
          { role: "active" },
        ]);
        expect(await left).toMatchObject({ code: "TIMED_OUT", retryable: true });
      });
    },
    60_000,
  );

  test.concurrent.each([
    ["just after it had the lock,", "frozen-lock", "select to_regclass"],
    ["in the middle of its last transaction,", "frozen-end", "update cloudphoenix.promotion"],
  ])(
    "%s and who came back is told to try again, and then succeeds",
    async (_, application, lastWords) => {
      await withLink(application, async (pair, link) => {
        // What it says next arrives when the server has long ended its session.
        const frozen = promotingThrough(pair, link, lastWords, () => link.holdNext(HELD_UP_MS));
        expect(await failureOf(frozen.promotion)).toMatchObject({
          code: "UNREACHABLE",
          retryable: true,
        });
        expect(await frozen.adapter.control.promote(SITE_B, SITE_A, 2, soon())).toMatchObject({
          alreadyDone: false,
        });
      });
    },
    60_000,
  );
});

describe("a session", () => {
  const USUAL = { idle: "0", inTransaction: "1min" };
  const SHORT = { idle: "8s", inTransaction: "8s" };

  test("is given up by the server 14 seconds after its host", async () => {
    await withOneSession(async (lend) => {
      expect(await lend(settings)).toMatchObject({ alive: "5 s, then 3 times every 3 s" });
    });
  });

  test.each([
    ["was done", async () => undefined],
    ["failed", async () => Promise.reject(new Error("it failed"))],
  ])("may be silent again after a change that %s", async (_, end) => {
    await withOneSession(async (lend) => {
      let during = {};
      const change = lend((connection) =>
        exclusively(
          connection,
          async () => {
            during = await settings(connection);
            await end();
          },
          { silenceMs: 8_000 },
        ),
      );
      await change.catch(() => undefined);
      expect(during).toMatchObject(SHORT);
      expect(await lend(settings)).toMatchObject(USUAL);
    });
  });

  test("that did not get the lock may be silent as before", async () => {
    await withOneSession(async (lend, pair) => {
      const holder = await pair.client(SITE_B, "super");
      await holder.query("select pg_advisory_lock(25456, 1)");
      const after = await lend(async (connection) => {
        const refused = exclusively(connection, async () => "done", { silenceMs: 8_000 });
        expect(await failureOf(refused)).toMatchObject({ code: "CONFLICT", retryable: true });
        return settings(connection);
      });
      await holder.end();
      expect(after).toMatchObject(USUAL);
    });
  });
});

/** A promotion through `link`, which calls `vanish` before it sends a statement that begins so. */
function promotingThrough(pair: Pair, link: Link, lastWords: string, vanish: () => void) {
  const gone = Promise.withResolvers<void>();
  let holds = false;
  let vanished = false;
  const adapter = pair.another({
    adminPort: (site: SiteId) => (site === SITE_B ? link.port : pair.server(site).port),
    beforeStatement: (_, statement) => {
      if (vanished) return;
      holds ||= statement.includes("pg_advisory_lock");
      if (!holds || !statement.trim().startsWith(lastWords)) return;
      vanished = true;
      vanish();
      gone.resolve();
    },
  });
  return {
    adapter,
    gone: gone.promise,
    promotion: adapter.control.promote(SITE_B, SITE_A, 2, soon()),
  };
}

/** Promotes as the runner does: tries again after a conflict, as often as the step may. */
async function promoteAsStep({ control }: PostgresReplication) {
  for (const backoffMs of BACKOFFS_MS) {
    try {
      return await control.promote(SITE_B, SITE_A, 2, soon());
    } catch (error) {
      if (!hasCode(error, "CONFLICT")) throw error;
      await realClock.sleep(backoffMs);
    }
  }
  return control.promote(SITE_B, SITE_A, 2, soon());
}

async function withLink(
  application: string,
  work: (pair: Pair, link: Link) => Promise<void>,
): Promise<void> {
  const link = await Link.open(await freePort(), servers.b.port);
  try {
    await work(pairOf(application), link);
  } finally {
    link.mend();
    await link.close();
  }
}

function pairOf(application: string): Pair {
  const pair = pairs.get(application);
  if (pair === undefined) throw new Error(`no pair ${application}`);
  return pair;
}

type Lend = <T>(work: (connection: SiteConnection) => Promise<T>) => Promise<T>;

/** Lends the only session there is at site B, the same every time. */
async function withOneSession(work: (lend: Lend, pair: Pair) => Promise<void>): Promise<void> {
  const pair = pairOf("frozen-lock");
  const url = `postgresql://cloudphoenix@127.0.0.1:${servers.b.port}/${pair.database}`;
  const password = "admin-secret-1";
  const site = {
    site: SITE_B,
    adminUrl: url,
    adminPassword: password,
    peerUrl: url,
    peerPassword: password,
    applicationRole: "app",
  };
  const connections = new SiteConnections({ sites: [site] }, { ...DEFAULT_LIMITS, connections: 1 });
  try {
    await work((borrow) => connections.withSession(SITE_B, soon(), borrow), pair);
  } finally {
    await connections.close();
  }
}

async function settings(connection: SiteConnection): Promise<object> {
  return connection.one(
    `select current_setting('idle_session_timeout') as idle,
       current_setting('idle_in_transaction_session_timeout') as "inTransaction",
       format('%s s, then %s times every %s s', current_setting('tcp_keepalives_idle'),
         current_setting('tcp_keepalives_count'), current_setting('tcp_keepalives_interval')) as alive`,
  );
}
