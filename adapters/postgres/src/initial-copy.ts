/** Waiting for a new standby to have everything, and seeing that changes flow. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { SetupProgress } from "@cloudphoenix/engine";
import { SCHEMA } from "./object-names.ts";
import { pollUntil } from "./poll-until.ts";
import type { PostgresContext } from "./postgres-context.ts";
import type { SiteConnection } from "./site-connections.ts";
import { readSubscription } from "./subscription.ts";

/** Small tables are there at once; large ones take hours, and need not be asked for all the time. */
const COPY_POLL_MS = 50;
const COPY_POLL_MAX_MS = 1_000;
const FLOW_POLL_MS = 20;
const FLOW_LIMIT_MS = 30_000;

/** Copies are tried again by the server; a table that fails this often will not get better. */
const COPY_ERRORS_MAX = 5;

/** Says who wrote it to whoever reads the log; subscriptions do not receive it. */
const WAKING_MESSAGE = "cloudphoenix-copy";

/**
 * Returns once every table's initial copy is complete; has no limit of its own but `signal`, since
 * only the amount of data says how long it takes.
 * @returns the number of tables
 * @throws {CloudPhoenixError} `REPLICATION_BROKEN` if copying keeps failing
 */
export async function waitForCopy(
  context: PostgresContext,
  { from, to: standby }: { readonly from: SiteConnection; readonly to: SiteConnection },
  onProgress: ((progress: SetupProgress) => void) | undefined,
  signal: AbortSignal,
): Promise<number> {
  let errorsBefore: number | null = null;
  let pollMs = COPY_POLL_MS;
  for (;;) {
    const state = await readSubscription(standby, context.application);
    if (state === null || state.copyErrors - (errorsBefore ?? state.copyErrors) > COPY_ERRORS_MAX) {
      throw new CloudPhoenixError(
        "REPLICATION_BROKEN",
        `the initial copy at site ${standby.site} keeps failing`,
        { retryable: false, hint: "Read the log of the standby's server for the reason." },
      );
    }
    errorsBefore ??= state.copyErrors;
    onProgress?.({
      tables: state.tables,
      tablesReady: state.tables - state.unready.length,
      copying: state.unready,
      bytesCopying: await bytesCopying(standby),
    });
    if (state.tables > 0 && state.unready.length === 0) return state.tables;
    await wakeFollower(from);
    await context.clock.sleep(pollMs, signal);
    pollMs = Math.min(pollMs * 1.2, COPY_POLL_MAX_MS);
  }
}

/**
 * Writes a heartbeat at the active site and waits until the standby shows it. After this the
 * standby has a position that covers every table's copy.
 */
export async function confirmFlow(
  context: PostgresContext,
  { from, to }: { readonly from: SiteConnection; readonly to: SiteConnection },
  signal: AbortSignal,
): Promise<void> {
  const { at } = await from.one<{ readonly at: string }>(
    `update ${SCHEMA}.heartbeat set at_ms = greatest(at_ms + 1, $1::bigint)
     returning at_ms::text as at`,
    [context.clock.now()],
  );
  await pollUntil(
    {
      clock: context.clock,
      everyMs: FLOW_POLL_MS,
      limitMs: FLOW_LIMIT_MS,
      what: `a heartbeat of site ${from.site} to reach ${to.site}`,
      signal,
    },
    async () => {
      const [row] = await to.query<{ readonly there: boolean }>(
        `select at_ms >= $1 as there from ${SCHEMA}.heartbeat`,
        [at],
      );
      return row?.there === true ? true : null;
    },
  );
}

/**
 * A standby takes the next step of a copy when something arrives, or else once a second, and every
 * table needs several. So something arrives: a message without rows, which no report of a loss counts.
 */
async function wakeFollower(from: SiteConnection): Promise<void> {
  await from.query(`select pg_logical_emit_message(false, '${WAKING_MESSAGE}', '')`);
}

async function bytesCopying(standby: SiteConnection): Promise<number> {
  const { bytes } = await standby.one<{ readonly bytes: number }>(
    `select coalesce(sum(bytes_processed), 0)::float8 as bytes from pg_stat_progress_copy
     where datname = current_database()`,
  );
  return bytes;
}
