/** What the database of a site says of itself. */
import type { SiteId } from "@cloudphoenix/core";
import type { DatabaseState } from "@cloudphoenix/engine";
import type { PostgresContext } from "./postgres-context.ts";
import { readSiteRow } from "./site-row.ts";
import { readGate } from "./write-gate.ts";

/** Changes nothing. A database that was never set up is `unprepared` and accepts writes. */
export async function inspectDatabase(
  context: PostgresContext,
  site: SiteId,
  signal: AbortSignal,
): Promise<DatabaseState> {
  return context.connections.withSession(site, signal, async (connection) => {
    const { version } = await connection.one<{ readonly version: string }>(
      "select current_setting('server_version') as version",
    );
    const row = await readSiteRow(connection);
    if (row === null) {
      const { durability } = context;
      return { site, role: "unprepared", generation: 0, writesOpen: true, durability, version };
    }
    const { role, generation, durability } = row;
    const gate = await readGate(connection);
    // The row is what services read, the gates are what stops a write. A writer is open if both say
    // so; a site that was fenced is open as long as a single table is.
    const writesOpen =
      role === "fenced"
        ? row.writesOpen || gate.open.length > 0
        : row.writesOpen && gate.open.length === gate.tables;
    return { site, role, generation, writesOpen, durability, version };
  });
}
