/**
 * Who may write, and until when: a lease kept by a witness outside every site, and its image in
 * the database of the site that holds it.
 *
 * No clock of one host is ever compared with a clock of another. Every time here belongs to
 * exactly one clock, and says which.
 */
import type { SiteId } from "@cloudphoenix/core";

/** What the witness keeps for one application. */
export interface LeaseDocument {
  readonly application: string;
  /** The writer epoch (generation) the lease is for. Never falls. */
  readonly epoch: number;
  /** The only site that may renew; null while the lease is sealed and nobody may. */
  readonly holder: SiteId | null;
  /** Grows with every renewal and never falls, so that an observer can time it on its own clock. */
  readonly renewals: number;
}

export interface VersionedLease {
  readonly lease: LeaseDocument;
  /** Opaque; differs after every change. */
  readonly version: string;
}

/**
 * Keeps one document per application and replaces it only on condition. Fits a row in a database
 * and an object in a store with conditional writes.
 *
 * Both methods throw `UNREACHABLE` or `STATE_UNAVAILABLE` (retryable) if the witness does not
 * answer; then the change may or may not have happened. `ABORTED` when `signal` aborts; if it had
 * before the call, nothing has happened.
 */
export interface LeaseWitness {
  /** The newest document, linearizable; null if none was ever stored. */
  read(signal: AbortSignal): Promise<VersionedLease | null>;
  /**
   * Stores `next` if the stored version is still `expected` (null: if none is stored).
   * @returns the new version, or null if somebody else was faster
   */
  replace(
    next: LeaseDocument,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<string | null>;
}

/** What the database of a site says about its own lease. */
export interface SiteLeaseState {
  readonly role: "active" | "standby" | "fenced";
  /** Generation of the site; an extension for any other one is refused. */
  readonly epoch: number;
  /** The database's clock when it answered, milliseconds. */
  readonly nowMs: number;
  /** On the database's clock: writes are refused from here on. Null: no lease was ever installed. */
  readonly untilMs: number | null;
  /** On the database's clock: until then this site may not open, because it promised a peer. */
  readonly promisedUntilMs: number | null;
}

/**
 * The lease of one site inside the application's database. Every method throws `UNREACHABLE`
 * (retryable) when the server does not answer.
 */
export interface SiteLease {
  read(signal: AbortSignal): Promise<SiteLeaseState>;
  /**
   * Lets writes pass until `untilMs` on the database's own clock; also shortens, because after a
   * clock was set back the older end is the wrong one. The caller must have read that clock
   * *before* it asked for the grant: then no pause of any process, however long, can stretch the
   * lease beyond what was granted.
   * @throws {CloudPhoenixError} `STALE_GENERATION` unless the site is active at exactly `epoch`
   *   and has no promise outstanding
   */
  extend(
    grant: { readonly epoch: number; readonly untilMs: number },
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Ends the lease at once and fences the site for `epoch`: another site holds that epoch.
   * Does nothing if a plan has made the site active at `epoch` itself meanwhile. Idempotent.
   * @throws {CloudPhoenixError} `STALE_GENERATION` if the site is at a newer one
   */
  surrender(epoch: number, signal: AbortSignal): Promise<void>;
  /**
   * Promises a peer not to open here for the next `durationMs` of this database's clock. Promises
   * only grow.
   * @throws {CloudPhoenixError} `PROMISE_REFUSED` unless this site is a standby at `epoch` or
   *   older, whose own lease is not in force
   */
  promise(
    wish: { readonly epoch: number; readonly durationMs: number },
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Makes this site refuse promises for epochs older than `epoch` from now on, without changing
   * its role, and says when the last promise ends. Idempotent.
   * @throws {CloudPhoenixError} `STALE_GENERATION`
   */
  refusePromises(epoch: number, signal: AbortSignal): Promise<SiteLeaseState>;
}

/** Another site's agent, asked to promise that its site will not open for a while. */
export interface LeasePeer {
  readonly site: SiteId;
  /** @throws {CloudPhoenixError} `PROMISE_REFUSED`, `UNREACHABLE`, or what its database throws */
  promise(
    wish: { readonly epoch: number; readonly durationMs: number },
    signal: AbortSignal,
  ): Promise<void>;
}
