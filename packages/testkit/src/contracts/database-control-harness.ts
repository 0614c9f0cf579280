/** What the contract of `DatabaseControl` needs of a world to try an implementation in. */
import type { SiteId } from "@cloudphoenix/core";
import type { Clock, DatabaseControl } from "@cloudphoenix/engine";

export interface DatabaseControlHarness {
  readonly control: DatabaseControl;
  /** The same databases as another process reaches them, which has seen nothing of them yet. */
  readonly another: DatabaseControl;
  /** The active site and its standby, both at generation 1. */
  readonly sites: readonly [active: SiteId, standby: SiteId];
  /** The clock the controls read. */
  readonly clock: Clock;
  /** One transaction of the application, in a session of its own; whether it was acknowledged. */
  readonly write: (site: SiteId) => Promise<boolean>;
  /** How many of the application's transactions can be read at a site. */
  readonly count: (site: SiteId) => Promise<number>;
  /** Returns once `control` knows a heartbeat of the active site that is newer than this call. */
  readonly beat: () => Promise<void>;
  /** Nothing the active site commits reaches the standby, until `meet`. */
  readonly part: () => Promise<void>;
  readonly meet: () => Promise<void>;
  /** The server is gone as if its power were, until `start`: nobody listens there. */
  readonly crash: (site: SiteId) => Promise<void>;
  readonly start: (site: SiteId) => Promise<void>;
  /** Nothing the controls send to a site is answered, not even with a refusal, until `speak`. */
  readonly silence: (site: SiteId) => Promise<void>;
  readonly speak: (site: SiteId) => Promise<void>;
  /** The standby's copy of the active site lacks a part. */
  readonly spoilCopy: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface LeasedHarness extends DatabaseControlHarness {
  /** The agent of an active site extends its lease by minutes. */
  readonly grantLease: (site: SiteId, epoch: number) => Promise<void>;
}

export interface DatabaseControlContract {
  /** Name of the implementation and what it talks to, printed with every test. */
  readonly name: string;
  /** Longest time a call may take at a server that is silent, by the clock of the harness. */
  readonly silenceLimitMs: number;
  /**
   * An active site and a standby that has everything, durability `async`; nothing was written yet.
   * If there are leases, none stands in the way of a write.
   */
  readonly setup: () => Promise<DatabaseControlHarness>;
  /** The same with a lease, which has run out at neither site. Null: it knows no leases. */
  readonly setupLeased: (() => Promise<LeasedHarness>) | null;
}

/** How a group of tests reaches the world of the running test. */
export type CurrentDatabases = () => DatabaseControlHarness;

export const FOREVER: AbortSignal = new AbortController().signal;
export const STALE = { code: "STALE_GENERATION", retryable: false };
export const REFUSED = { code: "PROMOTION_REFUSED", retryable: false };
export const CONFLICT = { code: "CONFLICT", retryable: false };

/** `X/Y` as PostgreSQL writes positions. */
export const LSN: RegExp = /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/;

/** How often a test looks again, and when it stops hoping. */
const LOOK_EVERY_MS = 20;
const LOOKS_MAX = 1_000;

/** Waits for something that happens by itself. */
export async function eventually(clock: Clock, happened: () => Promise<boolean>): Promise<void> {
  for (let looks = 0; !(await happened()); looks += 1) {
    if (looks > LOOKS_MAX) throw new Error("it never happened");
    await clock.sleep(LOOK_EVERY_MS);
  }
}

/** The code a call fails with, and whether it is worth trying again; null if it succeeds. */
export async function failureOf(
  call: Promise<unknown>,
): Promise<{ readonly code: unknown; readonly retryable: unknown } | null> {
  try {
    await call;
    return null;
  } catch (error) {
    if (error instanceof Error && "code" in error && "retryable" in error) {
      return { code: error.code, retryable: error.retryable };
    }
    throw error;
  }
}

/** Every method at both sites that changes something, for one generation. */
export function changesFor(
  control: DatabaseControl,
  [active, standby]: DatabaseControlHarness["sites"],
  generation: number,
  signal: AbortSignal,
): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    fence: () => control.fence(active, generation, signal),
    "fence of the standby": () => control.fence(standby, generation, signal),
    unfence: () => control.unfence(active, generation, signal),
    "unfence of the standby": () => control.unfence(standby, generation, signal),
    promote: () => control.promote(standby, active, generation, signal),
    openWrites: () => control.openWrites(active, generation, signal),
    "openWrites at the standby": () => control.openWrites(standby, generation, signal),
    closeWrites: () => control.closeWrites(active, generation, signal),
    "closeWrites at the standby": () => control.closeWrites(standby, generation, signal),
  };
}
