/**
 * What CloudPhoenix wrote about this site into the application's database.
 *
 * The service only reads it: table `cloudphoenix.site`, one row, not replicated. Where the schema
 * is missing the service works without CloudPhoenix: generation 0, durability `async`.
 */
import type { Database } from "./database.ts";
import { isMissingRelation } from "./database-failure.ts";

export type Durability = "async" | "barrier" | "sync";

export interface SiteRecord {
  readonly site: string;
  readonly role: "active" | "standby" | "fenced" | "unprepared";
  /** Writer epoch; 0 without CloudPhoenix. */
  readonly generation: number;
  readonly writesOpen: boolean;
  readonly durability: Durability;
}

interface SiteRow {
  readonly site: string;
  readonly role: SiteRecord["role"];
  /** `bigint` arrives as text. */
  readonly generation: string;
  readonly writes_open: boolean;
  readonly durability: Durability;
}

interface UnmanagedRow {
  readonly managed: boolean;
  readonly writes_open: boolean;
}

const MANAGED = {
  name: "site",
  text: "select site, role, generation, writes_open, durability from cloudphoenix.site",
};

// `to_regclass` looks without raising, so a database without CloudPhoenix logs no errors.
const UNMANAGED = {
  name: "site-unmanaged",
  text: `select to_regclass('cloudphoenix.site') is not null as managed,
                current_setting('transaction_read_only') = 'off' as writes_open`,
};

export class SiteReader {
  readonly #database: Database;
  readonly #ownSite: string;
  #managed = false;

  /** @param ownSite - the name to give when the database does not say one */
  constructor(database: Database, ownSite: string) {
    this.#database = database;
    this.#ownSite = ownSite;
  }

  /** Asks the database now. @throws {ServiceError} if it does not answer */
  async read(): Promise<SiteRecord> {
    if (!this.#managed) {
      const [row] = await this.#database.query<UnmanagedRow>(UNMANAGED);
      if (row?.managed !== true) return this.#unprepared(row?.writes_open ?? false);
      this.#managed = true;
    }
    try {
      const [row] = await this.#database.query<SiteRow>(MANAGED);
      return row === undefined ? this.#unprepared(false) : recordOf(row);
    } catch (error) {
      if (!isMissingRelation(error)) throw error;
      this.#managed = false;
      return this.#unprepared(false);
    }
  }

  #unprepared(writesOpen: boolean): SiteRecord {
    return {
      site: this.#ownSite,
      role: "unprepared",
      generation: 0,
      writesOpen,
      durability: "async",
    };
  }
}

function recordOf(row: SiteRow): SiteRecord {
  return {
    site: row.site,
    role: row.role,
    generation: Number(row.generation),
    writesOpen: row.writes_open,
    durability: row.durability,
  };
}
