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
  /** SQL `LIKE` pattern over the `application_name` of the standby that must hold a commit. */
  readonly BARRIER_STANDBY: string;
  readonly BARRIER_TIMEOUT_MS: number;
}

/** @throws {SettingsError} naming every variable that is missing or malformed */
export function ordersSettings(environment: NodeJS.ProcessEnv): Settings {
  const schema = z.object({
    ...SERVICE_FIELDS,
    ...DATABASE_FIELDS,
    // CloudPhoenix names its subscriptions after the application.
    BARRIER_STANDBY: z.string().min(1).max(100).default("cloudphoenix%"),
    // A standby that takes longer is not keeping up; the client asks again with the same key.
    BARRIER_TIMEOUT_MS: integer(50, 60_000).prefault("5000"),
  });
  return readSettings(schema, { environment, file: environment["SETTINGS_FILE"] ?? null });
}
