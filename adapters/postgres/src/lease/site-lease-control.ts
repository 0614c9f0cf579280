/** What fencing, promoting and opening do to the lease of a site, inside their transactions. */
import { SCHEMA } from "../object-names.ts";
import type { SiteConnection } from "../site-connections.ts";
import { NEVER_LEASED } from "./lease-clock.ts";

/**
 * Ends the lease at once. It stays ended if the transaction is rolled back: the site's agent
 * renews it if it may. A site that was never leased stays unlimited unless leases are `wanted`.
 */
export async function lapseLease(connection: SiteConnection, wanted: boolean): Promise<void> {
  await connection.query(
    `select setval('${SCHEMA}.lease_until', 0) from ${SCHEMA}.lease_until
     where $1 or last_value <> ${NEVER_LEASED}`,
    [wanted],
  );
}

/** From now on nothing limits writes but the gate. */
export async function dropLease(connection: SiteConnection): Promise<void> {
  await connection.query(
    `select setval('${SCHEMA}.lease_until', ${NEVER_LEASED}) from ${SCHEMA}.lease_until
     where last_value <> ${NEVER_LEASED}`,
  );
}
