/** What setting up would meet and make. Looks only. */
import type { SetupForecast, SetupPair, SetupProblem } from "@cloudphoenix/engine";
import { FROM_APPLICATION_TABLES } from "./application-objects.ts";
import { SCHEMA, slotName, subscriptionName } from "./object-names.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { hasTables, type PreflightSide } from "./preflight.ts";
import { preflightProblems } from "./preflight-pair.ts";
import { readSchema } from "./read-schema.ts";
import type { SiteConnection } from "./site-connections.ts";
import { readSiteRow, roleConflict, type SiteRow } from "./site-row.ts";
import { keepsNothing, logRemovedText, readSlot, reseedHint, type SlotState } from "./slot.ts";
import { readSubscription, type SubscriptionState } from "./subscription.ts";
import { type SiteProblem, uncoveredTables } from "./uncovered-tables.ts";

/** One end as it was found. */
interface Side extends PreflightSide {
  readonly row: SiteRow | null;
  /** Empty where CloudPhoenix was never set up: all of it is new there. */
  readonly uncovered: readonly SiteProblem[];
}

interface Found {
  readonly from: Side;
  readonly to: Side;
  readonly subscription: SubscriptionState | null;
  readonly slot: SlotState | null;
}

/** See `ReplicationSetup.forecast`. */
export async function forecastSetup(
  context: PostgresContext,
  pair: SetupPair,
  signal: AbortSignal,
): Promise<SetupForecast> {
  const { connections, application } = context;
  return connections.withSession(pair.from, signal, (from) =>
    connections.withSession(pair.to, signal, async (to) => {
      const found: Found = {
        from: await look(context, from),
        to: await look(context, to),
        subscription: await readSubscription(to, application),
        slot: await readSlot(from, slotName(application, pair.to)),
      };
      const problems = [
        ...pairProblems(context, found),
        ...(await preflightProblems(context, found, found.subscription)),
      ];
      const changes = changesOf(context, found);
      return { problems, changes, bytesToCopy: await bytesToCopy(found) };
    }),
  );
}

async function look(context: PostgresContext, connection: SiteConnection): Promise<Side> {
  const row = await readSiteRow(connection);
  const uncovered = row === null ? [] : await uncoveredTables(context, connection);
  return { connection, objects: await readSchema(connection), row, uncovered };
}

/** What set-up refuses before it asks for anything else. */
function pairProblems(
  { application }: PostgresContext,
  { from, to, subscription, slot }: Found,
): readonly SetupProblem[] {
  const sites = { from: from.connection.site, to: to.connection.site };
  const roles = [
    { site: sites.from, sentence: roleConflict(sites.from, from.row, "active") },
    { site: sites.to, sentence: roleConflict(sites.to, to.row, "standby") },
  ].flatMap(({ site, sentence }) =>
    sentence === null ? [] : [{ rule: "wrong-role", site, object: `${SCHEMA}.site`, sentence }],
  );
  if (subscription === null || !keepsNothing(slot)) return roles;
  const sentence = `${logRemovedText(sites)}. ${reseedHint(application, sites.to)}`;
  const object = slotName(application, sites.to);
  return [...roles, { rule: "log-removed", site: sites.from, object, sentence }];
}

function changesOf(context: PostgresContext, found: Found): readonly string[] {
  const { from, to, subscription } = found;
  const tables = from.objects.filter(({ kind }) => kind === "table").length;
  return [
    ...sideChanges(from, `with the gates of ${count(tables, "table")} open`),
    ...(hasTables(to.objects) ? [] : [`at ${to.connection.site}, ${schemaText(from, tables)}`]),
    ...sideChanges(to, "with the gates of all tables closed"),
    ...(subscription === null
      ? freshChanges(context, found, tables)
      : unfinished(to.connection.site, subscription)),
    ...durabilityChange(context, from),
  ];
}

function schemaText({ objects }: Side, tables: number): string {
  return `make the schema: ${count(tables, "table")} and ${count(objects.length - tables, "other object")}, with their owners and rights`;
}

function sideChanges({ connection, row, uncovered }: Side, gates: string): readonly string[] {
  const at = `at ${connection.site}`;
  if (row === null) return [`${at}, make schema ${SCHEMA}, ${gates}`];
  return uncovered.map(({ rule, object }) => `${at}, ${MENDED[rule] ?? "mend"} ${object}`);
}

/** What set-up does about a table that is not covered. */
const MENDED: Readonly<Partial<Record<SiteProblem["rule"], string>>> = {
  "not-published": "publish",
  "not-subscribed": "subscribe to and copy",
  "gate-missing": "make the gate of",
  "gate-closed": "open the gate of",
  "gate-open": "close the gate of",
  "lease-missing": "ask for the lease at",
};

function freshChanges(
  { application }: PostgresContext,
  { from, to, slot }: Found,
  tables: number,
): readonly string[] {
  const name = slotName(application, to.connection.site);
  return [
    ...(from.row === null ? [`at ${from.connection.site}, publish ${count(tables, "table")}`] : []),
    ...(keepsNothing(slot) ? [`at ${from.connection.site}, make replication slot ${name}`] : []),
    `at ${to.connection.site}, make subscription ${subscriptionName(application)} and copy ${count(tables, "table")}`,
  ];
}

function unfinished(site: string, { enabled, unready }: SubscriptionState): readonly string[] {
  return [
    ...(enabled ? [] : [`at ${site}, enable the subscription`]),
    ...(unready.length === 0 ? [] : [`at ${site}, finish the copy of ${unready.join(", ")}`]),
  ];
}

function durabilityChange(
  { durability }: PostgresContext,
  { connection, row }: Side,
): readonly string[] {
  const before = row?.durability ?? "async";
  if (before === durability) return [];
  return [
    `at ${connection.site}, change durability from ${before} to ${durability} after the copy`,
  ];
}

async function bytesToCopy({ from, to, subscription }: Found): Promise<number> {
  const wanted = to.uncovered.filter(({ rule }) => rule === "not-subscribed");
  const names = subscription === null ? null : wanted.map(({ object }) => object);
  const { bytes } = await from.connection.one<{ readonly bytes: number }>(
    `select coalesce(sum(pg_table_size(c.oid)), 0)::float8 as bytes ${FROM_APPLICATION_TABLES}
       and c.relkind = 'r' and ($1::text[] is null
         or format('%I.%I', n.nspname, c.relname) = any ($1))`,
    [names],
  );
  return bytes;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
