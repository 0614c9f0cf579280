/** What the service can be told beside what every service can. Every default has its reason here. */
import {
  DATABASE_FIELDS,
  type DatabaseSettings,
  integer,
  readSettings,
  SERVICE_FIELDS,
  type ServiceSettings,
} from "@cloudphoenix/chassis";
import { z } from "zod";

/** Everything the service can be told. */
export interface Settings extends ServiceSettings, DatabaseSettings {
  readonly BATCH_SIZE: number;
  readonly IDLE_MS: number;
  readonly HIDDEN_MS: number;
  readonly ATTEMPTS_MAX: number;
  readonly BACKOFF_BASE_MS: number;
  readonly BACKOFF_MAX_MS: number;
  readonly LATE_AFTER_SECONDS: number;
}

/** @throws {SettingsError} naming every variable that is missing or malformed */
export function fulfilmentSettings(environment: NodeJS.ProcessEnv): Settings {
  const schema = z.object({
    ...SERVICE_FIELDS,
    ...DATABASE_FIELDS,
    // One commit for fifty orders costs hardly more than for one, and fifty are quickly packed.
    BATCH_SIZE: integer(1, 1_000).prefault("50"),
    // How soon an order is seen that came while there was nothing to do.
    IDLE_MS: integer(10, 60_000).prefault("200"),
    // After this an order that was taken is taken again: longer than a batch ever works.
    HIDDEN_MS: integer(1_000, 3_600_000).prefault("30000"),
    // With the back-off below about ten minutes of trying.
    ATTEMPTS_MAX: integer(1, 100).prefault("10"),
    BACKOFF_BASE_MS: integer(10, 60_000).prefault("1000"),
    BACKOFF_MAX_MS: integer(100, 3_600_000).prefault("300000"),
    // An order that waits longer than this while orders can be written makes the service degraded.
    LATE_AFTER_SECONDS: integer(1, 86_400).prefault("60"),
  });
  return readSettings(schema, { environment, file: environment["SETTINGS_FILE"] ?? null });
}
