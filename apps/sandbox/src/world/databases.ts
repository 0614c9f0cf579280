/** Turns two empty PostgreSQL servers into a primary and the standby that follows it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PostgresReplication, prepareServer } from "@cloudphoenix/adapter-postgres";
import { CloudPhoenixError, type DurabilityMode } from "@cloudphoenix/core";
import { Child, type ProcessRegistry, systemClock } from "../process/index.ts";
import { allSettled } from "./all-settled.ts";
import type { Layout } from "./layout.ts";
import { AWAY_PLACE, HOME_PLACE, NAMES, otherPlace, type Place, PLACES } from "./places.ts";
import type { PortBook } from "./ports.ts";
import { migrationProgram } from "./programs.ts";
import { readSecret, SECRETS } from "./secrets.ts";
import { linkName } from "./topology.ts";

/** The first role of each server; everything after `prepareServer` works without it. */
export const MASTER_ROLE = "postgres";

/** What a controller starts the roles of a new application with. */
const FIRST_GENERATION = 1;

export interface DatabasesOptions {
  readonly layout: Layout;
  readonly ports: PortBook;
  readonly registry: ProcessRegistry;
  readonly durability: DurabilityMode;
  readonly signal: AbortSignal;
}

/**
 * Makes roles, database, schema and replication, all through the links, as a controller would.
 * @throws {CloudPhoenixError} what went wrong, by the codes of adapters/postgres
 */
export async function prepareDatabases(options: DatabasesOptions): Promise<void> {
  // Both at once: only a release that finds them replicating has to begin at the standby.
  await allSettled(PLACES.map((place) => prepare(place, options)));
  const replication = new PostgresReplication(
    {
      application: NAMES.application,
      sites: PLACES.map((place) => siteOptions(place, options)),
      durability: options.durability,
      clock: systemClock,
    },
    HOME_PLACE.id,
  );
  try {
    const request = { from: HOME_PLACE.id, to: AWAY_PLACE.id, generation: FIRST_GENERATION };
    await replication.setup(request, options.signal);
  } finally {
    await replication.close();
  }
}

async function prepare(place: Place, options: DatabasesOptions): Promise<void> {
  const { layout, ports } = options;
  const port = ports.get(linkName("control", place.cloud, "postgres"));
  await prepareServer({
    masterUrl: `postgresql://${MASTER_ROLE}@127.0.0.1:${port}/postgres`,
    masterPassword: readSecret(layout, SECRETS.master(place.cloud)),
    database: NAMES.database,
    admin: {
      role: NAMES.adminRole,
      password: readSecret(layout, SECRETS.database(place.cloud)),
    },
    replication: {
      role: NAMES.replicationRole,
      password: readSecret(layout, SECRETS.replicator),
    },
    application: {
      role: NAMES.applicationRole,
      password: readSecret(layout, SECRETS.application),
    },
    agent: {
      role: NAMES.agentRole,
      password: readSecret(layout, SECRETS.keeper(place.cloud)),
    },
  });
  // In this order: fulfilment works on the table of orders.
  await migrate("orders", place, options);
  await migrate("fulfilment", place, options);
}

async function migrate(
  workload: "orders" | "fulfilment",
  place: Place,
  options: DatabasesOptions,
): Promise<void> {
  const { layout, ports, registry } = options;
  const name = `${place.id}-migrate-${workload}`;
  const logFile = join(layout.logs, `${name}.log`);
  const program = migrationProgram(workload, place, layout, ports);
  const child = Child.start({ ...program, name, logFile, registry });
  const { code, signal } = await child.exited;
  if (code === 0) return;
  const said = readFileSync(logFile, "utf8").trim().split("\n").at(-1) ?? "";
  throw new CloudPhoenixError(
    "INTERNAL",
    `the schema of ${workload} at ${place.id} could not be made (${signal ?? `exit code ${code}`}): ${said}`,
    { retryable: false, hint: `Read ${logFile}.` },
  );
}

/** The database of a site as the controller reaches it. */
function siteOptions(
  place: Place,
  { layout, ports }: Pick<DatabasesOptions, "layout" | "ports">,
): ConstructorParameters<typeof PostgresReplication>[0]["sites"][number] {
  const admin = ports.get(linkName("control", place.cloud, "postgres"));
  const peer = ports.get(linkName(otherPlace(place).cloud, place.cloud, "postgres"));
  return {
    site: place.id,
    adminUrl: `postgresql://${NAMES.adminRole}@127.0.0.1:${admin}/${NAMES.database}`,
    adminPassword: () => readSecret(layout, SECRETS.database(place.cloud)),
    peerUrl: `postgresql://${NAMES.replicationRole}@127.0.0.1:${peer}/${NAMES.database}`,
    peerPassword: () => readSecret(layout, SECRETS.replicator),
    applicationRole: NAMES.applicationRole,
    agentRole: NAMES.agentRole,
  };
}
