/**
 * The connections on which DBOS keeps its journal.
 *
 * DBOS waits for a database that is away only if it recognises the failure: it goes by a list of
 * codes and phrases in which, for instance, a connection that broke at the very moment of writing
 * (`EPIPE`), a password that is being rotated, a server that only answers reads after a failover and
 * a serialization failure do not stand. A run that meets one of those would end for ever, in the
 * middle of a failover. So every failure that passes is told in a phrase that DBOS waits for, and
 * keeps its code, which the queue of DBOS goes by.
 */
import { messageOf } from "@cloudphoenix/core";
import { Client, type Pool } from "pg";
import type { Log } from "../log.ts";
import { passes, spoilsSession, sqlStateOf } from "../state/passing-failure.ts";
import { statePool } from "../state/state-pool.ts";

/** As many as DBOS would open itself. */
const CONNECTIONS_MAX = 10;
const CONNECT_LIMIT_MS = 10_000;
/** A transaction that nobody goes on with holds no lock for longer. */
const IDLE_TRANSACTION_LIMIT_MS = 60_000;
/** Longer than such a lock is waited for; a connection that is stuck must not hold a run for ever. */
const STATEMENT_LIMIT_MS = 90_000;

/** DBOS looks for it in whatever an error was caused by. */
const WAIT_FOR_IT = "server closed the connection";

type Method = (...args: never[]) => unknown;
type Rename = (error: unknown) => unknown;

/** The database has to exist. Close the pool with `end`, after DBOS. */
export function journalPool(url: string, log: Log): Pool {
  const pool = statePool(
    {
      connectionString: url,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      query_timeout: STATEMENT_LIMIT_MS,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_LIMIT_MS,
      application_name: "cloudphoenix-journal",
    },
    (error) => log("debug", `journal: ${error.message}`),
  );
  // Nobody waits for a pool that is to end.
  const told =
    (rename: Rename): Rename =>
    (error) =>
      pool.ending ? error : rename(error);
  pool.on("connect", (client) => {
    // oxlint-disable-next-line typescript/unbound-method -- called with the client as its receiver
    client.query = failingAs(client.query, (error) => {
      // DBOS gives back whatever it borrowed; one that ended is not lent again.
      if (spoilsSession(error) && client instanceof Client) void client.end();
      return told(passing)(error);
    });
  });
  // It hears of a broken connection before the statement on it does, and answers for it.
  // oxlint-disable-next-line typescript/unbound-method -- called with the pool as its receiver
  pool.query = failingAs(pool.query, told(passing));
  // oxlint-disable-next-line typescript/unbound-method -- called with the pool as its receiver
  pool.connect = failingAs(pool.connect, told(unreachable));
  return pool;
}

/** `method`, whose failures go through `rename` on their way to a promise or to a callback. */
function failingAs<T extends Method>(method: T, rename: Rename): T {
  return new Proxy(method, {
    apply(target, receiver, args: readonly unknown[]) {
      const callback = args.at(-1);
      if (isFunction(callback)) {
        const renamed = (error: unknown, ...rest: readonly unknown[]): unknown =>
          callback(error instanceof Error ? rename(error) : error, ...rest);
        return Reflect.apply(target, receiver, [...args.slice(0, -1), renamed]);
      }
      const answer: unknown = Reflect.apply(target, receiver, args);
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((error: unknown) => {
        throw rename(error);
      });
    },
  });
}

/** A failure DBOS waits for the end of. */
class PassingFailure extends Error {
  /** SQLSTATE, if the server answered. */
  readonly code: string | null;

  constructor(failure: unknown) {
    super(messageOf(failure), { cause: new Error(WAIT_FOR_IT, { cause: failure }) });
    this.code = sqlStateOf(failure);
  }
}

/** Whatever keeps us from connecting passes, or a person mends it; the run waits. */
function unreachable(error: unknown): unknown {
  return error instanceof PassingFailure ? error : new PassingFailure(error);
}

/** A defect of the caller (`TypeError`) is none of the connection. */
function passing(error: unknown): unknown {
  if (error instanceof TypeError || !passes(error)) return error;
  return unreachable(error);
}

function isFunction(value: unknown): value is (...args: readonly unknown[]) => unknown {
  return typeof value === "function";
}
