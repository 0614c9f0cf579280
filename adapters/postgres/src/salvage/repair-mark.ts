/** How our own repairs are told from the application's writes when the log is read again. */
import type { SiteConnection } from "../site-connections.ts";

const PREFIX = "cloudphoenix-repair";

/** What `test_decoding` prints for the mark. */
export const PRINTED_MARK: string = `message: transactional: 1 prefix: ${PREFIX},`;

/** Marks the caller's transaction. */
export async function markAsRepair(connection: SiteConnection): Promise<void> {
  await connection.query(`select pg_logical_emit_message(true, '${PREFIX}', '')`);
}

/** Whether a line of the decoded log is the mark. */
export function isRepairMark(data: string): boolean {
  return data.startsWith(PRINTED_MARK);
}
