/** What the service can be told beside what every service can. Every default has its reason here. */
import {
  DATABASE_FIELDS,
  type DatabaseSettings,
  integer,
  readSettings,
  SERVICE_FIELDS,
  type ServiceSettings,
  STORAGE_FIELDS,
  type StorageSettings,
} from "@cloudphoenix/chassis";
import { z } from "zod";

/** Everything the service can be told. */
export interface Settings extends ServiceSettings, DatabaseSettings, StorageSettings {
  /** SQL `LIKE` pattern over the `application_name` of the standby that must hold a commit. */
  readonly BARRIER_STANDBY: string;
  readonly BARRIER_TIMEOUT_MS: number;
  readonly RECEIPTS_BATCH_SIZE: number;
  readonly RECEIPTS_CONCURRENCY: number;
  readonly RECEIPTS_IDLE_MS: number;
  readonly RECEIPTS_HIDDEN_MS: number;
  readonly RECEIPTS_ATTEMPTS_MAX: number;
  readonly RECEIPTS_BACKOFF_MAX_MS: number;
  readonly RECEIPTS_LATE_AFTER_SECONDS: number;
  readonly RECEIPTS_RECHECK_MAX: number;
}

/** @throws {SettingsError} naming every variable that is missing or malformed */
export function ordersSettings(environment: NodeJS.ProcessEnv): Settings {
  const schema = z.object({
    ...SERVICE_FIELDS,
    ...DATABASE_FIELDS,
    // With an object store every order gets a receipt; without one none is promised.
    ...STORAGE_FIELDS,
    // CloudPhoenix names its subscriptions after the application.
    BARRIER_STANDBY: z.string().min(1).max(100).default("cloudphoenix%"),
    // A standby that takes longer is not keeping up; the client asks again with the same key.
    BARRIER_TIMEOUT_MS: integer(50, 60_000).prefault("5000"),
    // One commit for fifty receipts costs hardly more than for one.
    RECEIPTS_BATCH_SIZE: integer(1, 500).prefault("50"),
    // Enough for several hundred a second at 20 ms each, few beside the requests being served.
    RECEIPTS_CONCURRENCY: integer(1, 32).prefault("8"),
    // How soon a receipt is written that came while there was nothing to do.
    RECEIPTS_IDLE_MS: integer(10, 60_000).prefault("200"),
    // After this a receipt that was taken is taken again: twice as long as a batch may work. So late
    // are those that were in hand when a site or its database died.
    RECEIPTS_HIDDEN_MS: integer(1_000, 3_600_000).prefault("10000"),
    // Only failures that are not the store's count.
    RECEIPTS_ATTEMPTS_MAX: integer(1, 100).prefault("10"),
    RECEIPTS_BACKOFF_MAX_MS: integer(100, 3_600_000).prefault("30000"),
    // A receipt that waits longer than this makes the service degraded.
    RECEIPTS_LATE_AFTER_SECONDS: integer(1, 86_400).prefault("30"),
    // After a failover: far more than a copy that is minutes behind lacks. 0: none.
    RECEIPTS_RECHECK_MAX: integer(0, 100_000_000).prefault("100000"),
  });
  return readSettings(schema, { environment, file: environment["SETTINGS_FILE"] ?? null });
}
