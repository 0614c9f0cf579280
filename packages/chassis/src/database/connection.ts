/**
 * A connection on loan: statements on it run on one server session, in order, each within limits.
 *
 * A statement has three limits, each for what the one before cannot end: the server's own; a cancel
 * request, because a commit that waits for a synchronous standby has no limit in the server and
 * would leave a session behind for every retry; the client's, because a frozen server does nothing.
 */
import type { PoolClient, QueryConfig } from "pg";
import type { Deadline } from "../resilience/deadline.ts";
import { databaseFailure, isDemotedServer, isSessionUsable } from "./sql-state.ts";
import { databaseSpan } from "./database-span.ts";

/** A statement with its values. Named ones are prepared once per connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** The parts of a server notice that do not depend on the server's language. */
export interface ServerNotice {
  /** Name of the function in PostgreSQL's source that raised it. */
  readonly routine?: string | undefined;
}

/** What may be asked of a connection, or of any connection. */
export interface Connection {
  /** @throws {ServiceError} what the failure means to a client */
  query<Row extends object>(statement: Statement): Promise<readonly Row[]>;
  /** Calls `listener` for every notice of the server until the function it returns is called. */
  onNotice(listener: (notice: ServerNotice) => void): () => void;
}

/** Limits of every statement on a connection, and whom to tell. */
export interface StatementTerms {
  readonly timeoutMs: number;
  readonly deadline: Deadline | undefined;
  /** Asks the server, on another connection, to end what the session is doing. */
  readonly cancel: ((processId: number) => Promise<unknown>) | null;
  /** The server behind the name does not take writes any more. */
  readonly onDemoted: () => void;
}

/** The server's own limit gets this head start before it is asked to cancel. */
const CANCEL_AFTER_MS = 100;
/** And this before the client stops waiting. */
const ABANDON_AFTER_MS = 500;

/** See the head of this file. `usable` says whether the next borrower may have the session. */
export class LentConnection implements Connection {
  readonly #client: PoolClient;
  readonly #terms: StatementTerms;
  usable = true;

  constructor(client: PoolClient, terms: StatementTerms) {
    this.#client = client;
    this.#terms = terms;
  }

  async query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    const { timeoutMs, deadline } = this.#terms;
    deadline?.check();
    const remainingMs = deadline?.remainingMs() ?? Number.POSITIVE_INFINITY;
    const cancelMs = Math.min(timeoutMs + CANCEL_AFTER_MS, remainingMs);
    const abandonMs = Math.min(timeoutMs + ABANDON_AFTER_MS, remainingMs);
    const timer = setTimeout(() => this.#cancel(), cancelMs);
    const span = databaseSpan(statement);
    try {
      const config: QueryConfig & { query_timeout: number } = {
        ...(span?.statement ?? statement),
        values: statement.values === undefined ? [] : [...statement.values],
        query_timeout: Math.max(1, Math.ceil(abandonMs)),
      };
      const result = await this.#client.query<Row>(config);
      span?.end();
      return result.rows;
    } catch (error) {
      this.usable = this.usable && isSessionUsable(error);
      if (isDemotedServer(error)) this.#terms.onDemoted();
      const failure = databaseFailure(error);
      span?.fail(failure);
      throw failure;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Runs several statements without values in one round trip; the rows of each.
   * @throws {ServiceError} like `query`
   */
  async script(text: string): Promise<readonly (readonly object[])[]> {
    const answer: unknown = await this.#simple(text);
    const results: readonly unknown[] = Array.isArray(answer) ? answer : [answer];
    return results.map(rowsOf);
  }

  /**
   * Ends the transaction. PostgreSQL answers `COMMIT` with success even if it undid the transaction
   * because a statement in it had failed, and the work did not pass that failure on.
   * @throws {ServiceError} like `query`; an `Error` if the server had undone everything
   */
  async commit(): Promise<void> {
    const answer = await this.#simple("commit");
    if (typeof answer === "object" && answer !== null && "command" in answer) {
      if (answer.command === "COMMIT") return;
    }
    throw new Error("the transaction was undone because a statement in it had failed");
  }

  onNotice(listener: (notice: ServerNotice) => void): () => void {
    this.#client.on("notice", listener);
    return () => this.#client.off("notice", listener);
  }

  async #simple(text: string): Promise<unknown> {
    const { timeoutMs, deadline } = this.#terms;
    deadline?.check();
    const limitMs = Math.min(
      timeoutMs + ABANDON_AFTER_MS,
      deadline?.remainingMs() ?? Number.POSITIVE_INFINITY,
    );
    const config: QueryConfig & { query_timeout: number } = {
      text,
      query_timeout: Math.max(1, Math.ceil(limitMs)),
    };
    const timer = setTimeout(() => this.#cancel(), Math.min(timeoutMs + CANCEL_AFTER_MS, limitMs));
    try {
      return await this.#client.query(config);
    } catch (error) {
      this.usable = this.usable && isSessionUsable(error);
      throw databaseFailure(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #cancel(): void {
    const processId: unknown = Reflect.get(this.#client, "processID");
    if (this.#terms.cancel === null || typeof processId !== "number") return;
    // The request may arrive when the session has gone on to something else: never lend it again.
    this.usable = false;
    // If the server cannot be asked, the client's own limit ends the wait.
    this.#terms.cancel(processId).catch(() => undefined);
  }
}

function rowsOf(result: unknown): readonly object[] {
  if (typeof result !== "object" || result === null || !("rows" in result)) return [];
  return Array.isArray(result.rows) ? result.rows : [];
}
