/**
 * Pools of connections to the state database.
 *
 * 1. A connection that breaks, idle or on loan, costs at most the statement on it.
 * 2. A server that only answers reads is not the state database: after a failover it is the former
 *    primary, and what it says is old. Whoever connects to it is told so and connects again, by what
 *    the address leads to then.
 * 3. A connection whose other end vanished is found out within about 15 s, also while it rests.
 */
import { Pool, type PoolClient, type PoolConfig } from "pg";

/** An idle connection is asked for a sign of life after this time, then every second, ten times. */
const KEEP_ALIVE_AFTER_MS = 5_000;

const READ_ONLY_SETTING = "select current_setting('transaction_read_only') as value";
const ONLY_READS = "it only answers reads: a standby, a former primary, or its disk is full";

interface Setting {
  readonly value: string;
}

/** Connects to nobody yet. `onLoss` is told of idle connections that break; the pool replaces them. */
export function statePool(config: PoolConfig, onLoss: (error: Error) => void): Pool {
  const pool = new Pool({
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    verify: (client, done) => refuseReadOnly(client, config.connectionTimeoutMillis, done),
    ...config,
  });
  pool.on("error", onLoss);
  // The statement in flight, if any, reports it; without a listener the event would end the process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** Part of connecting, so it has the limit of that. */
function refuseReadOnly(
  client: PoolClient,
  limitMs: number | undefined,
  done: (error?: Error) => void,
): void {
  const asked = { text: READ_ONLY_SETTING, query_timeout: limitMs };
  client.query<Setting>(asked, (error: Error | null, answer) => {
    if (error instanceof Error) done(error);
    else done(answer.rows[0]?.value === "on" ? new Error(ONLY_READS) : undefined);
  });
}
