/**
 * What CloudPhoenix wrote about this site into the application's database.
 *
 * The service only reads it: table `cloudphoenix.site`, one row, not replicated. Where the schema
 * is missing the service works without CloudPhoenix: generation 0, durability `async`.
 */
import type { Database } from "./database.ts";
import { levelAbove, levelBelow, OUTGROWN, type SchemaLevel } from "./schema-level.ts";

export type Durability = "async" | "barrier" | "sync";

export interface SiteRecord {
  readonly site: string;
  readonly role: "active" | "standby" | "fenced" | "unprepared";
  /** Writer epoch; 0 without CloudPhoenix. */
  readonly generation: number;
  /** Whether a write would be accepted now: the gate is open and the lease has not lapsed. */
  readonly writesOpen: boolean;
  /** The gate is open, but the site's lease has lapsed and refuses every write. */
  readonly leaseLapsed: boolean;
  readonly durability: Durability;
}

interface SiteRow {
  readonly site: string | null;
  readonly role: SiteRecord["role"];
  /** `bigint` arrives as text. */
  readonly generation: string;
  readonly writes_open: boolean;
  readonly durability: Durability;
  readonly lease_ms: number | null;
  readonly outgrown: boolean;
}

const COLUMNS = "site, role, generation, writes_open, durability";

const LOOK: Readonly<Record<SchemaLevel, { readonly name: string; readonly text: string }>> = {
  leased: {
    name: "site",
    text: `select ${COLUMNS}, cloudphoenix.lease_remaining_ms() as lease_ms, ${OUTGROWN.leased}
           from cloudphoenix.site`,
  },
  managed: {
    name: "site-unleased",
    text: `select ${COLUMNS}, null::int as lease_ms, ${OUTGROWN.managed} from cloudphoenix.site`,
  },
  unmanaged: {
    name: "site-unmanaged",
    text: `select null as site, 'unprepared' as role, 0::bigint as generation,
                  current_setting('transaction_read_only') = 'off' as writes_open,
                  'async' as durability, null::int as lease_ms, ${OUTGROWN.unmanaged}`,
  },
};

export class SiteReader {
  readonly #database: Database;
  readonly #ownSite: string;
  #level: SchemaLevel = "unmanaged";

  /** @param ownSite - the name to give when the database does not say one */
  constructor(database: Database, ownSite: string) {
    this.#database = database;
    this.#ownSite = ownSite;
  }

  /** Asks the database now. @throws {ServiceError} if it does not answer */
  async read(): Promise<SiteRecord> {
    for (;;) {
      const level = this.#level;
      try {
        const [row] = await this.#database.query<SiteRow>(LOOK[level]);
        if (row === undefined) return recordOf(EMPTY, this.#ownSite);
        if (!row.outgrown) return recordOf(row, this.#ownSite);
        this.#level = levelAbove(level);
      } catch (error) {
        const below = levelBelow(level, error);
        if (below === null) throw error;
        this.#level = below;
        // A schema that is being taken away is no reason to ask it again at once.
        if (below === "unmanaged") return recordOf(EMPTY, this.#ownSite);
      }
    }
  }
}

/** CloudPhoenix is there and says nothing of this site. */
const EMPTY: SiteRow = {
  site: null,
  role: "unprepared",
  generation: "0",
  writes_open: false,
  durability: "async",
  lease_ms: null,
  outgrown: false,
};

function recordOf(row: SiteRow, ownSite: string): SiteRecord {
  const lapsed = row.lease_ms !== null && row.lease_ms <= 0;
  return {
    site: row.site ?? ownSite,
    role: row.role,
    generation: Number(row.generation),
    writesOpen: row.writes_open && !lapsed,
    leaseLapsed: row.writes_open && lapsed,
    durability: row.durability,
  };
}
