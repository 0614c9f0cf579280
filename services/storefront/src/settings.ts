/** What the service can be told beside what every service can. */
import { readSettings, SERVICE_FIELDS, type ServiceSettings } from "@cloudphoenix/chassis";
import { z } from "zod";

/** Everything the service can be told. */
export interface Settings extends ServiceSettings {
  /** Where the orders service of the same site answers, without a path. */
  readonly ORDERS_URL: string;
}

/** @throws {SettingsError} naming every variable that is missing or malformed */
export function storefrontSettings(environment: NodeJS.ProcessEnv): Settings {
  const schema = z.object({
    ...SERVICE_FIELDS,
    ORDERS_URL: z
      .string({ error: "must be set" })
      .refine(isBaseUrl, "must be a URL like http://orders:8080")
      .transform((text) => new URL(text).origin),
  });
  return readSettings(schema, { environment, file: environment["SETTINGS_FILE"] ?? null });
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname, search, username, password } = new URL(text);
  const plain = pathname === "/" && search === "" && username === "" && password === "";
  return plain && (protocol === "http:" || protocol === "https:");
}
