/**
 * The connections on which DBOS keeps its journal.
 *
 * DBOS waits for a database that is away only if it recognises the failure: it goes by a list of
 * codes and phrases in which, for instance, a connection that broke at the very moment of writing
 * (`EPIPE`), a socket file that is gone and a password that is being rotated do not stand. A run that
 * meets one of those would end for ever, in the middle of a failover. So every failure of the
 * connection, as opposed to an answer of the server, is told in a phrase that DBOS waits for.
 */
import { messageOf } from "@cloudphoenix/core";
import { Pool, type PoolClient } from "pg";
import type { Log } from "../log.ts";

/** As many as DBOS would open itself. */
const CONNECTIONS_MAX = 10;
const CONNECT_LIMIT_MS = 10_000;
/** A transaction that nobody goes on with holds no lock for longer. */
const IDLE_TRANSACTION_LIMIT_MS = 60_000;

/** Told by the operating system (all have an `errno`) or by a stream that is closed already. */
const STREAM_CLOSED = ["ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END", "EPIPE"];

type Rename = (error: unknown) => unknown;

/** The database has to exist. Close the pool with `end`, after DBOS. */
export function journalPool(url: string, log: Log): Pool {
  const pool = new Pool({
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_LIMIT_MS,
    application_name: "cloudphoenix-journal",
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would crash us.
  pool.on("error", (error) => log("debug", `journal: ${error.message}`));
  pool.on("connect", tellLossesOf);
  tellLossesOf(pool);
  // oxlint-disable-next-line typescript/unbound-method -- called with the pool as its receiver
  pool.connect = failingAs(pool.connect, (error) => (pool.ending ? error : unreachable(error)));
  return pool;
}

/** The pool hears of a broken connection before the statement on it does, and answers for it. */
function tellLossesOf(connection: Pool | PoolClient): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with the same receiver
  connection.query = failingAs(connection.query, lost);
}

/** `method`, whose failures go through `rename` on their way to a promise or to a callback. */
function failingAs<T extends object>(method: T, rename: Rename): T {
  return new Proxy(method, {
    apply(target, receiver, args: readonly unknown[]) {
      const callback = args.at(-1);
      if (isFunction(callback)) {
        const renamed = (error: unknown, ...rest: readonly unknown[]): unknown =>
          callback(rename(error), ...rest);
        return Reflect.apply(asFunction(target), receiver, [...args.slice(0, -1), renamed]);
      }
      const answer: unknown = Reflect.apply(asFunction(target), receiver, args);
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((error: unknown) => {
        throw rename(error);
      });
    },
  });
}

/** Whatever keeps us from connecting passes, or a person mends it; the run waits. Not once we are ending. */
function unreachable(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return new Error(`could not connect to server: ${messageOf(error)}`, { cause: error });
}

function lost(error: unknown): unknown {
  if (!(error instanceof Error) || !isOfConnection(error)) return error;
  return new Error(`Connection terminated unexpectedly: ${messageOf(error)}`, { cause: error });
}

function isOfConnection(error: Error): boolean {
  if ("errno" in error && "syscall" in error) return true;
  return "code" in error && STREAM_CLOSED.includes(String(error.code));
}

type AnyFunction = (...args: readonly unknown[]) => unknown;

function isFunction(value: unknown): value is AnyFunction {
  return typeof value === "function";
}

function asFunction(value: object): AnyFunction {
  if (isFunction(value)) return value;
  throw new TypeError("only methods are wrapped");
}
