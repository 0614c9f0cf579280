/**
 * Ways of refusing writes after a lease lapsed, to be compared. All ask the same question
 * (`LAPSED`); they differ in when they ask and how often.
 */
import { DEFAULT_LIMITS } from "../../adapters/postgres/src/postgres-options.ts";
import { LAPSED } from "../../adapters/postgres/src/lease/lease-clock.ts";
import { guardTables } from "../../adapters/postgres/src/lease/lease-guard.ts";
import { SiteConnections } from "../../adapters/postgres/src/site-connections.ts";
import type { BenchDatabase } from "./bench-server.ts";

export interface Mechanism {
  readonly name: string;
  readonly what: string;
  install(database: BenchDatabase): Promise<void>;
  /** What an agent has to do when the lease lapses, besides letting it. */
  lapse?(database: BenchDatabase): Promise<void>;
}

const STATEMENT = `create trigger lease_early before insert or update or delete on %s
  for each statement execute function cloudphoenix.lease_early()`;

const EARLY = `create function cloudphoenix.lease_early() returns trigger language plpgsql as $$
  begin
    if ${LAPSED} then
      raise exception 'cloudphoenix: the writer lease has lapsed' using errcode = '25006';
    end if;
    return null;
  end $$`;

export const NOTHING: Mechanism = { name: "nothing", what: "no lease", install: async () => {} };

export const MECHANISMS: readonly Mechanism[] = [
  {
    name: "first-row",
    what: "one deferred check per transaction, queued by its first row (what is used)",
    install: (database) => guarded(database),
  },
  {
    name: "first-row-early",
    what: "the same, and a check before every statement",
    install: async (database) => {
      await guarded(database);
      await database.query(EARLY);
      await database.forEachTable([STATEMENT]);
    },
  },
  {
    name: "every-row",
    what: "a deferred check for every row",
    install: (database) =>
      database.forEachTable([
        `create constraint trigger lease after insert or update or delete on %s
           deferrable initially deferred for each row execute function cloudphoenix.check_lease()`,
      ]),
  },
  {
    name: "own-row",
    what: "a check before every statement that writes a row of its own, once per transaction, checked at commit",
    install: async (database) => {
      await database.query(
        `create function cloudphoenix.lease_own_row() returns trigger language plpgsql
           security definer set search_path = pg_catalog, pg_temp as $$
         begin
           if ${LAPSED} then
             raise exception 'cloudphoenix: the writer lease has lapsed' using errcode = '25006';
           end if;
           if current_setting('cloudphoenix.own_row', true) is distinct from 'yes' then
             perform set_config('cloudphoenix.own_row', 'yes', true);
             perform cloudphoenix.repeat_lease_check();
           end if;
           return null;
         end $$`,
      );
      await database.forEachTable([
        `create trigger lease before insert or update or delete on %s
           for each statement execute function cloudphoenix.lease_own_row()`,
      ]);
    },
  },
  {
    name: "statement-only",
    what: "a check before every statement, nothing at commit",
    install: async (database) => {
      await database.query(EARLY);
      await database.forEachTable([STATEMENT]);
    },
  },
  {
    name: "read-only-default",
    what: "the agent sets default_transaction_read_only when the lease lapses",
    install: async () => {},
    lapse: (database) =>
      database.query(`alter database ${database.name} set default_transaction_read_only = on`),
  },
];

async function guarded(database: BenchDatabase): Promise<void> {
  const { url, password } = database;
  const one = { site: "bench", adminUrl: url, adminPassword: password, peerUrl: url };
  const sites = [{ ...one, peerPassword: password, applicationRole: "app" }];
  const connections = new SiteConnections({ sites }, DEFAULT_LIMITS);
  try {
    await connections.withSession("bench", AbortSignal.timeout(30_000), guardTables);
  } finally {
    await connections.close();
  }
}
