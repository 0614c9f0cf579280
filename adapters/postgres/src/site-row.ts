/** The row in which a database says which site it is, and the compare-and-set that guards it. */
import { CloudPhoenixError, type DurabilityMode, type SiteId } from "@cloudphoenix/core";
import { SCHEMA } from "./object-names.ts";
import type { SiteConnection } from "./site-connections.ts";

export type SiteRole = "active" | "standby" | "fenced";

export interface SiteRow {
  readonly site: string;
  readonly role: SiteRole;
  readonly generation: number;
  readonly writesOpen: boolean;
  readonly durability: DurabilityMode;
}

/** What a claim changes besides the generation; what is left out stays. */
export interface SiteChange {
  readonly role?: SiteRole;
  readonly writesOpen?: boolean;
  readonly durability?: DurabilityMode;
}

interface StoredRow {
  readonly site: string;
  readonly role: SiteRole;
  /** `bigint` arrives as text. */
  readonly generation: string;
  readonly writes_open: boolean;
  readonly durability: DurabilityMode;
}

const COLUMNS = "site, role, generation, writes_open, durability";

/**
 * What the database says; null if CloudPhoenix was never set up in it.
 * @throws {CloudPhoenixError} `CONFIG_INVALID` if it says that it is another site
 */
export async function readSiteRow(connection: SiteConnection): Promise<SiteRow | null> {
  // Looking first keeps "relation does not exist" out of the server's log.
  const { prepared } = await connection.one<{ readonly prepared: boolean }>(
    `select to_regclass('${SCHEMA}.site') is not null as prepared`,
  );
  if (!prepared) return null;
  const [row] = await connection.query<StoredRow>(`select ${COLUMNS} from ${SCHEMA}.site`);
  return row === undefined ? null : checked(connection, row);
}

/** The row, held against every change until the caller's transaction ends. @throws as `readSiteRow`, `NOT_FOUND` */
export async function holdSiteRow(connection: SiteConnection): Promise<SiteRow> {
  const [row] = await connection.query<StoredRow>(
    `select ${COLUMNS} from ${SCHEMA}.site for update`,
  );
  if (row === undefined) throw neverSetUp(connection);
  return checked(connection, row);
}

/** Why a site with this row is not `wanted`; null if it is, or was never set up. */
export function roleConflict(site: SiteId, row: SiteRow | null, wanted: SiteRole): string | null {
  if (row === null || row.role === wanted) return null;
  return `site ${site} is ${row.role} at generation ${row.generation}, not ${wanted}`;
}

/**
 * Takes the row for `generation` and changes it, in one statement, unless a newer generation was
 * here. The same generation again is success.
 * @param from - roles the row may have now
 * @returns the row as it is now, or null if its role is none of `from`
 * @throws {CloudPhoenixError} `STALE_GENERATION`; `NOT_FOUND` if never set up; `CONFIG_INVALID` if
 *   the database is another site's
 */
export async function claimSite(
  connection: SiteConnection,
  generation: number,
  from: readonly SiteRole[],
  change: SiteChange = {},
): Promise<SiteRow | null> {
  const before = await readSiteRow(connection);
  if (before === null) throw neverSetUp(connection);
  const [row] = await connection.query<StoredRow>(
    `update ${SCHEMA}.site set generation = $2, role = coalesce($4, role),
       writes_open = coalesce($5, writes_open), durability = coalesce($6, durability),
       updated_at = clock_timestamp()
     where site = $1 and generation <= $2 and role = any ($3)
     returning ${COLUMNS}`,
    [
      connection.site,
      generation,
      from,
      change.role ?? null,
      change.writesOpen ?? null,
      change.durability ?? null,
    ],
  );
  if (row !== undefined) return checked(connection, row);
  const now = await readSiteRow(connection);
  if (now === null) throw neverSetUp(connection);
  if (now.generation > generation) throw staleGeneration(connection, generation, now.generation);
  return null;
}

function checked(connection: SiteConnection, row: StoredRow): SiteRow {
  if (row.site !== connection.site) {
    throw new CloudPhoenixError(
      "CONFIG_INVALID",
      `the database configured for site ${connection.site} says that it is site ${row.site}`,
      { retryable: false, hint: "Correct the database URLs in the configuration." },
    );
  }
  return {
    site: row.site,
    role: row.role,
    generation: Number(row.generation),
    writesOpen: row.writes_open,
    durability: row.durability,
  };
}

function neverSetUp(connection: SiteConnection): CloudPhoenixError {
  return new CloudPhoenixError(
    "NOT_FOUND",
    `the database of site ${connection.site} is not set up for CloudPhoenix`,
    { retryable: false, hint: "Set up replication first." },
  );
}

function staleGeneration(
  connection: SiteConnection,
  asked: number,
  stored: number,
): CloudPhoenixError {
  return new CloudPhoenixError(
    "STALE_GENERATION",
    `site ${connection.site} is at generation ${stored}; a change for generation ${asked} is refused`,
    { retryable: false, hint: "Look which newer run took over." },
  );
}
