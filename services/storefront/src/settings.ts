/** What the service can be told beside what every service can. */
import { readSettings, SERVICE_FIELDS, type ServiceSettings } from "@cloudphoenix/chassis";
import { z } from "zod";

/** Everything the service can be told. */
export interface Settings extends ServiceSettings {
  /** Where the orders service of the same site answers, without a path. */
  readonly ORDERS_URL: string;
  /** Where the controllers of CloudPhoenix answer, without a path; none: pages say nothing of scores. */
  readonly STATUS_URLS: readonly string[];
}

/** @throws {SettingsError} naming every variable that is missing or malformed */
export function storefrontSettings(environment: NodeJS.ProcessEnv): Settings {
  const schema = z.object({
    ...SERVICE_FIELDS,
    ORDERS_URL: z
      .string({ error: "must be set" })
      .refine(isBaseUrl, "must be a URL like http://orders:8080")
      .transform(originOf),
    STATUS_URLS: z
      .string()
      .transform(listed)
      .refine((urls) => urls.every(isBaseUrl), "must be URLs like http://controller:20120")
      .transform((urls) => urls.map(originOf))
      .prefault(""),
  });
  return readSettings(schema, { environment, file: environment["SETTINGS_FILE"] ?? null });
}

/** What stands between commas. */
function listed(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function originOf(url: string): string {
  return new URL(url).origin;
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname, search, username, password } = new URL(text);
  const plain = pathname === "/" && search === "" && username === "" && password === "";
  return plain && (protocol === "http:" || protocol === "https:");
}
