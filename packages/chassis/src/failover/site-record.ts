/**
 * What CloudPhoenix wrote about this site into the application's database.
 *
 * The service only reads it: table `cloudphoenix.site` (one row, not replicated) and function
 * `cloudphoenix.lease_remaining_ms()`. Where either is missing the service works without it:
 * generation 0, durability `async`, no lease.
 */
import type { Database } from "../database/database.ts";
import { isMissingObject } from "../database/sql-state.ts";

export type Durability = "async" | "barrier" | "sync";

/** The state of the site as its database says it. */
export interface SiteRecord {
  readonly site: string;
  /** `unprepared`: CloudPhoenix is not installed in this database. */
  readonly role: "active" | "standby" | "fenced" | "unprepared";
  /** Writer epoch; 0 without CloudPhoenix. */
  readonly generation: number;
  /** Whether the site may take writes: it is open and its lease, if one is in force, has not lapsed. */
  readonly writesOpen: boolean;
  /** The site is open, but its lease has lapsed and refuses every write. */
  readonly leaseLapsed: boolean;
  readonly durability: Durability;
  /** Null: no lease is in force. */
  readonly leaseRemainingMs: number | null;
}

interface SiteRow {
  readonly site: string;
  readonly role: Exclude<SiteRecord["role"], "unprepared">;
  /** `bigint` arrives as text. */
  readonly generation: string;
  readonly writes_open: boolean;
  readonly durability: Durability;
  readonly lease_remaining_ms: number | null;
  readonly has_lease: boolean;
}

interface UnpreparedRow {
  readonly prepared: boolean;
  readonly writes_open: boolean;
}

type Level = "unprepared" | "site" | "lease";

const SITE_COLUMNS = "site, role, generation, writes_open, durability";

// `to_reg…` look without raising, so a database that lacks something logs no errors.
const STATEMENTS = {
  unprepared: {
    name: "site-unprepared",
    text: `select to_regclass('cloudphoenix.site') is not null as prepared,
                  current_setting('transaction_read_only') = 'off' as writes_open`,
  },
  site: {
    name: "site",
    text: `select ${SITE_COLUMNS}, null::integer as lease_remaining_ms,
                  to_regprocedure('cloudphoenix.lease_remaining_ms()') is not null as has_lease
           from cloudphoenix.site`,
  },
  lease: {
    name: "site-lease",
    text: `select ${SITE_COLUMNS}, cloudphoenix.lease_remaining_ms() as lease_remaining_ms,
                  true as has_lease
           from cloudphoenix.site`,
  },
} as const;

/** Asks the database for the state of the site. */
export class SiteReader {
  readonly #database: Pick<Database, "control">;
  readonly #ownSite: string;
  #level: Level = "unprepared";

  /** @param ownSite - the name to give when the database does not say one */
  constructor(database: Pick<Database, "control">, ownSite: string) {
    this.#database = database;
    this.#ownSite = ownSite;
  }

  /** Asks the database now. @throws {ServiceError} if it does not answer */
  async read(): Promise<SiteRecord> {
    try {
      return await this.#readAs(this.#level);
    } catch (error) {
      if (this.#level === "unprepared" || !isMissingObject(error)) throw error;
      // Something that was there is gone: look from the bottom again.
      this.#level = "unprepared";
      return this.#readAs("unprepared");
    }
  }

  async #readAs(level: Level): Promise<SiteRecord> {
    if (level === "unprepared") return this.#readUnprepared();
    const [row] = await this.#database.control<SiteRow>(STATEMENTS[level]);
    if (row === undefined) return unprepared(this.#ownSite, false);
    if (level === "site" && row.has_lease) {
      this.#level = "lease";
      return this.#readAs("lease");
    }
    return recordOf(row);
  }

  async #readUnprepared(): Promise<SiteRecord> {
    const [row] = await this.#database.control<UnpreparedRow>(STATEMENTS.unprepared);
    if (row?.prepared !== true) return unprepared(this.#ownSite, row?.writes_open ?? false);
    this.#level = "site";
    return this.read();
  }
}

function recordOf(row: SiteRow): SiteRecord {
  const leaseRemainingMs = row.lease_remaining_ms;
  const lapsed = leaseRemainingMs !== null && leaseRemainingMs <= 0;
  return {
    site: row.site,
    role: row.role,
    generation: Number(row.generation),
    writesOpen: row.writes_open && !lapsed,
    leaseLapsed: row.writes_open && lapsed,
    durability: row.durability,
    leaseRemainingMs,
  };
}

function unprepared(site: string, writesOpen: boolean): SiteRecord {
  return {
    site,
    role: "unprepared",
    generation: 0,
    writesOpen,
    leaseLapsed: false,
    durability: "async",
    leaseRemainingMs: null,
  };
}
