/** The writer lease of the controller: who watches it, who takes it and gives it. */

import type { PostgresReplication } from "@cloudphoenix/adapter-postgres";
import type { Configuration } from "@cloudphoenix/config";
import { hasCode, messageOf } from "@cloudphoenix/core";
import {
  type Clock,
  LeaseObserver,
  type LeaseWitness,
  type RoleStore,
  WriterLease,
} from "@cloudphoenix/engine";
import type { Logger } from "pino";

export interface LeaseParts {
  readonly observer: LeaseObserver;
  readonly writerLease: WriterLease;
}

export interface LeaseOptions {
  readonly configuration: Configuration;
  readonly postgres: PostgresReplication;
  readonly witness: LeaseWitness;
  /** Monotonic. */
  readonly clock: Clock;
  /** The one all controllers share. */
  readonly stateClock: Clock;
}

/** Null where no lease is configured. Asks nobody yet. */
export function leaseParts(options: LeaseOptions): LeaseParts | null {
  const { configuration, postgres, witness, clock, stateClock } = options;
  const { application, lease: terms } = configuration;
  if (terms === null) return null;
  const observer = new LeaseObserver({ clock, witness, everyMs: terms.renewMs });
  const writerLease = new WriterLease({
    application: application.name,
    sites: application.sites.map(({ id }) => id),
    terms,
    clock,
    stateClock,
    witness,
    observer,
    siteLease: (site) => postgres.siteLease(site),
  });
  return { observer, writerLease };
}

/** A database that is not there yet, or a move under way: nothing is hurt by a second of waiting. */
const AGAIN_MS = 1_000;
const TRY_LIMIT_MS = 5_000;

/** Tries until there is a lease, or `stop` aborts. Each reason for a delay is logged once. */
export async function establishLease(
  writerLease: Pick<WriterLease, "establish">,
  { roles, clock, log }: { readonly roles: RoleStore; readonly clock: Clock; readonly log: Logger },
  stop: AbortSignal,
): Promise<void> {
  let said = "";
  while (!stop.aborted) {
    try {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(TRY_LIMIT_MS)]);
      if (await writerLease.establish(await roles.read(), signal)) return;
    } catch (error) {
      if (stop.aborted) return;
      const detail = messageOf(error);
      if (detail !== said) log.warn({ detail }, "the writer lease cannot be established yet");
      said = detail;
    }
    try {
      await clock.sleep(AGAIN_MS, stop);
    } catch (error) {
      if (!hasCode(error, "ABORTED")) throw error;
    }
  }
}

/** Without a lease in the configuration no agent renews one, so none may stay in force. */
export async function releaseLeases(
  { configuration, postgres }: Pick<LeaseOptions, "configuration" | "postgres">,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  await Promise.all(
    configuration.sites.map(async ({ id }) => {
      try {
        const signal = AbortSignal.any([stop, AbortSignal.timeout(TRY_LIMIT_MS)]);
        await postgres.releaseLease(id, signal);
      } catch (error) {
        log.debug({ site: id, detail: messageOf(error) }, "no lease could be released");
      }
    }),
  );
}
