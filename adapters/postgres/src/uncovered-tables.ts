/**
 * Application tables that CloudPhoenix does not cover as it should: not replicated, without a gate,
 * with a gate that contradicts the site, without the lease; and subscriptions that write past both.
 * Tables come and triggers are switched after set-up, so this is asked again and again; setting up
 * again mends all of it but subscriptions, which are somebody else's.
 */
import { FROM_APPLICATION_TABLES } from "./application-objects.ts";
import { bringingRows, bringsRowsText } from "./foreign-subscriptions.ts";
import { UNGUARDED_TABLES } from "./lease/lease-guard.ts";
import { GATE_TRIGGER, PUBLICATION, SCHEMA, subscriptionName } from "./object-names.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { type PreflightProblem, tableProblems } from "./preflight.ts";
import type { SiteConnection } from "./site-connections.ts";
import { readSiteRow } from "./site-row.ts";
import { OWN_SUBSCRIPTION } from "./subscription.ts";

type UncoveredRule =
  | "not-published"
  | "not-subscribed"
  | "gate-missing"
  | "gate-closed"
  | "gate-open"
  | "lease-missing";

/** What is wrong with a table or object. `rule` is stable; the sentence does not name the site. */
export interface SiteProblem {
  readonly rule: PreflightProblem["rule"] | UncoveredRule;
  readonly object: string;
  readonly sentence: string;
}

const SENTENCES: Readonly<Record<UncoveredRule, string>> = {
  "not-published": "is not replicated: it is not published",
  "not-subscribed": "is not replicated: the site does not subscribe to it",
  "gate-missing": "has no gate that could refuse writes",
  "gate-closed": "refuses writes although the site is open: its gate is closed",
  "gate-open": "takes writes although the site is a standby: its gate is open",
  "lease-missing": "does not ask for the lease",
};

/**
 * Everything at a site that replication, the gates or the lease leave out, however it came about;
 * empty at a site that was never set up. A few short looks at the catalog; blocks nobody.
 */
export async function siteProblems(
  context: PostgresContext,
  connection: SiteConnection,
): Promise<readonly SiteProblem[]> {
  if ((await readSiteRow(connection)) === null) return [];
  const uncovered = await uncoveredTables(context, connection);
  const foreign = (await bringingRows(context, connection)).map(
    (one): SiteProblem => ({
      rule: "foreign-subscription",
      object: one.name,
      sentence: bringsRowsText(one),
    }),
  );
  return [...(await tableProblems(connection)), ...uncovered, ...foreign];
}

/** The tables among them, without those that are unfit. One short look; the site must be set up. */
export async function uncoveredTables(
  context: PostgresContext,
  connection: SiteConnection,
): Promise<readonly SiteProblem[]> {
  const leased = context.connections.isLeased(connection.site);
  const rows = await connection.query<{ readonly name: string; readonly rule: UncoveredRule }>(
    UNCOVERED,
    [subscriptionName(context.application), leased],
  );
  return rows.map(({ name, rule }) => ({
    rule,
    object: name,
    sentence: `table ${name} ${SENTENCES[rule]}`,
  }));
}

/**
 * One statement sees row and gates together, so a change of role is never seen half done. While a
 * site is being fenced its row comes before its gates: whether they closed is the fence's proof.
 */
const UNCOVERED = `with one as (
    select c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) as name, n.nspname, c.relname,
      (select t.tgenabled in ('O', 'A') from pg_trigger t
        where t.tgrelid = c.oid and t.tgname = '${GATE_TRIGGER}') as closed
    ${FROM_APPLICATION_TABLES}),
  site as (select role, writes_open from ${SCHEMA}.site)
  select one.name, rules.rule from one cross join site cross join lateral (values
    (1, 'not-published', site.role = 'active' and one.relkind = 'r'
      and exists (select from pg_publication where pubname = '${PUBLICATION}')
      and not exists (select from pg_publication_tables p where p.pubname = '${PUBLICATION}'
        and p.schemaname = one.nspname and p.tablename = one.relname)),
    (2, 'not-subscribed', one.relkind = 'r' and ${OWN_SUBSCRIPTION} is not null
      and not exists (select from pg_subscription_rel r
        where r.srrelid = one.oid and r.srsubid = ${OWN_SUBSCRIPTION})),
    (3, 'gate-missing', one.closed is null),
    (4, 'gate-closed', one.closed and site.role = 'active' and site.writes_open),
    (5, 'gate-open', not one.closed and site.role = 'standby'),
    (6, 'lease-missing', $2::bool and one.oid in (select u.oid from (${UNGUARDED_TABLES}) u))
  ) as rules(place, rule, broken)
  where rules.broken order by one.name, rules.place`;
