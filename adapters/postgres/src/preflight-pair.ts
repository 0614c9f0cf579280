/** The whole preflight of a pair of sites. */
import { bringingRows, bringsRowsText } from "./foreign-subscriptions.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { subscriptionName } from "./object-names.ts";
import {
  hasTables,
  type PreflightProblem,
  type PreflightSide,
  roleProblems,
  rowProblems,
  schemaProblems,
  serverProblems,
  tableProblems,
} from "./preflight.ts";
import { peerRole } from "./peer-conninfo.ts";
import type { SiteConnection } from "./site-connections.ts";
import type { SubscriptionState } from "./subscription.ts";
import { standbyNames } from "./synchronous-standby.ts";

/**
 * Every reason why `to` cannot follow `from`; empty if it can. Changes nothing.
 * @param subscription - what already exists; a pair that replicates needs no room and may hold rows
 */
export async function preflightProblems(
  context: PostgresContext,
  { from, to }: { readonly from: PreflightSide; readonly to: PreflightSide },
  subscription: SubscriptionState | null,
): Promise<readonly PreflightProblem[]> {
  const fresh = subscription === null;
  const problems = [
    ...(await serverProblems(from.connection, fresh)),
    ...(await serverProblems(to.connection, fresh)),
    ...(await tableProblems(from.connection)),
    ...(await schemaProblems(from, to)),
  ];
  for (const { connection } of [from, to]) {
    const site = context.connections.siteOf(connection.site);
    const roles = [site.applicationRole, peerRole(site), site.agentRole ?? []].flat();
    problems.push(...(await roleProblems(connection, roles)));
    problems.push(...(await foreignProblems(context, connection)));
  }
  if (fresh && hasTables(to.objects)) problems.push(...(await rowProblems(to.connection)));
  if (context.durability === "sync") problems.push(...(await synchronousProblems(context, from)));
  return problems;
}

async function foreignProblems(
  context: PostgresContext,
  connection: SiteConnection,
): Promise<readonly PreflightProblem[]> {
  const { site } = connection;
  return (await bringingRows(context, connection)).map((one) => {
    const sentence = `at ${site}, ${bringsRowsText(one)}`;
    return { rule: "foreign-subscription", site, object: one.name, sentence };
  });
}

async function synchronousProblems(
  context: PostgresContext,
  { connection }: PreflightSide,
): Promise<readonly PreflightProblem[]> {
  const { site } = connection;
  const names = await standbyNames(connection);
  const { allowed } = await connection.one<{ readonly allowed: boolean }>(
    `select has_parameter_privilege('synchronous_standby_names', 'alter system')
       and has_function_privilege('pg_reload_conf()', 'execute') as allowed`,
  );
  const object = "synchronous_standby_names";
  const problem = (sentence: string): PreflightProblem => ({
    rule: "synchronous-standby-names",
    site,
    object,
    sentence,
  });
  const own = subscriptionName(context.application);
  return [
    ...(allowed ? [] : [problem(`we may not change ${object} at site ${site}`)]),
    ...(names === "" || names === own
      ? []
      : [problem(`${object} at site ${site} is already in use: ${names}`)]),
  ];
}
