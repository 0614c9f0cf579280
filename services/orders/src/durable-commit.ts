/**
 * How safe a commit has to be before it is acknowledged, and waiting for it.
 *
 * `async`: nothing more. `sync`: PostgreSQL waited for the standby, unless its wait was cut short;
 * then it still reports success, with a warning from its waiting routine, and that success must not
 * be passed on. `barrier`: the standby has flushed the log up to the commit.
 */
import type { Connection, Deadline, Durability } from "@cloudphoenix/chassis";
import type { DurabilityBarrier } from "./durability-barrier.ts";
import { durabilityUnknown } from "./failures.ts";
import { endOfRecord, parseLsn } from "./lsn.ts";

/**
 * Runs `write` on the connection that commits it.
 * @throws {ServiceError} `DURABILITY_UNKNOWN` if a synchronous standby has not confirmed it
 */
export async function confirmedBySync<T>(
  connection: Connection,
  write: () => Promise<T>,
): Promise<T> {
  let confirmed = true;
  const stopListening = connection.onNotice((notice) => {
    if (notice.routine === "SyncRepWaitForLSN") confirmed = false;
  });
  try {
    const answer = await write();
    if (!confirmed) throw durabilityUnknown();
    return answer;
  } finally {
    stopListening();
  }
}

/**
 * A position at or behind what was committed before; null where nobody waits for it.
 * @throws {ServiceError} `DURABILITY_UNKNOWN`: it is committed, but how far it travelled cannot be
 *   found out any more
 */
export async function positionToPass(
  connection: Pick<Connection, "query">,
  durability: Durability | null,
): Promise<bigint | null> {
  if (durability !== "barrier") return null;
  try {
    const [row] = await connection.query<{ readonly lsn: string }>({
      name: "insert-position",
      text: "select pg_current_wal_insert_lsn()::text as lsn",
    });
    return endOfRecord(parseLsn(row?.lsn ?? ""));
  } catch (cause) {
    throw durabilityUnknown(cause);
  }
}

/** Resolves once `position` is as safe as was asked for. @throws like `DurabilityBarrier.passed` */
export async function passed(
  barrier: DurabilityBarrier,
  position: bigint | null,
  deadline: Deadline | undefined,
): Promise<void> {
  if (position !== null) await barrier.passed(position, deadline);
}
