/** The port `SiteLease` over the functions in the schema `cloudphoenix`. */
import { CloudPhoenixError, type ErrorCode, type SiteId } from "@cloudphoenix/core";
import type { SiteLease, SiteLeaseState } from "@cloudphoenix/engine";
import { sqlStateOf } from "../database-error.ts";
import { SCHEMA } from "../object-names.ts";
import { DEFAULT_LIMITS, type PostgresLimits, type Secret } from "../postgres-options.ts";
import { SiteConnections } from "../site-connections.ts";
import { PROMISE_REFUSED_STATE, STALE_STATE } from "./lease-functions.ts";

/** How the agent of a site reaches its own database. */
export interface AgentLogin {
  readonly site: SiteId;
  /** With the agent's role, without password. */
  readonly url: string;
  readonly password: Secret;
  readonly limits?: Partial<PostgresLimits>;
}

interface StateRow {
  readonly role: SiteLeaseState["role"];
  /** `bigint` arrives as text. */
  readonly epoch: string;
  readonly now_us: string;
  readonly until_us: string | null;
  readonly promised_until_us: string | null;
}

const REFUSALS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  [STALE_STATE]: ["STALE_GENERATION", "Look which newer run took over."],
  [PROMISE_REFUSED_STATE]: ["PROMISE_REFUSED", "Look which site is active."],
};

/** Functions that are not there, or that the role may not see: SQLSTATE of both. */
const NOT_SET_UP: ReadonlySet<string> = new Set(["42883", "3F000"]);

export class PostgresSiteLease implements SiteLease {
  readonly #site: SiteId;
  readonly #connections: SiteConnections;

  /** Shares the sessions of its caller, who also ends them. */
  constructor(site: SiteId, connections: SiteConnections) {
    this.#site = site;
    this.#connections = connections;
  }

  /**
   * The lease as the site's own agent reaches it. Connects to nobody yet; `close` ends it.
   * @throws {CloudPhoenixError} `CONFIG_INVALID` if the URL is unusable or holds a password
   */
  static forAgent(login: AgentLogin): PostgresSiteLease {
    const { site, url, password } = login;
    const limits = { ...DEFAULT_LIMITS, connections: 2, ...login.limits };
    // No peer connects through an agent; the address that stands in for it is not used.
    const own = { site, adminUrl: url, adminPassword: password, peerUrl: url, peerPassword: "" };
    const sites = [{ ...own, applicationRole: "" }];
    return new PostgresSiteLease(site, new SiteConnections({ sites }, limits));
  }

  async read(signal: AbortSignal): Promise<SiteLeaseState> {
    return stateOf(await this.#call<StateRow>("lease_read()", [], signal));
  }

  async extend(
    { epoch, untilMs }: { readonly epoch: number; readonly untilMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#call("lease_extend($1, $2)", [epoch, Math.floor(untilMs * 1_000)], signal);
  }

  async surrender(epoch: number, signal: AbortSignal): Promise<void> {
    await this.#call("lease_surrender($1)", [epoch], signal);
  }

  async promise(
    { epoch, durationMs }: { readonly epoch: number; readonly durationMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#call("lease_promise($1, $2)", [epoch, Math.ceil(durationMs)], signal);
  }

  async refusePromises(epoch: number, signal: AbortSignal): Promise<SiteLeaseState> {
    return stateOf(await this.#call<StateRow>("lease_refuse_promises($1)", [epoch], signal));
  }

  /** Ends every session. */
  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #call<Row extends object>(
    call: string,
    values: readonly number[],
    signal: AbortSignal,
  ): Promise<Row> {
    try {
      return await this.#connections.withSession(this.#site, signal, (connection) =>
        connection.one<Row>(`select * from ${SCHEMA}.${call}`, values),
      );
    } catch (error) {
      throw meaningOf(this.#site, error);
    }
  }
}

function stateOf(row: StateRow): SiteLeaseState {
  return {
    role: row.role,
    epoch: Number(row.epoch),
    nowMs: Number(row.now_us) / 1_000,
    untilMs: row.until_us === null ? null : Number(row.until_us) / 1_000,
    promisedUntilMs: row.promised_until_us === null ? null : Number(row.promised_until_us) / 1_000,
  };
}

function meaningOf(site: SiteId, error: unknown): unknown {
  const state = sqlStateOf(error);
  if (state === null || !(error instanceof CloudPhoenixError)) return error;
  const refusal = REFUSALS[state];
  if (refusal !== undefined) {
    const [code, hint] = refusal;
    return new CloudPhoenixError(code, error.message, { retryable: false, hint, cause: error });
  }
  if (!NOT_SET_UP.has(state)) return error;
  return new CloudPhoenixError(
    "NOT_FOUND",
    `the database of site ${site} is not set up for the writer lease`,
    { retryable: false, hint: "Set up replication first.", cause: error },
  );
}
