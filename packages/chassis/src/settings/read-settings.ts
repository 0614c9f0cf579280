/**
 * What a service is told, from the environment and one file, read once at start.
 *
 * 1. The environment wins over the file. A variable set to the empty string counts as unset.
 * 2. All mistakes are told at once, each by the name of the setting.
 * 3. Values never appear in messages: they may be secrets in the wrong place.
 */
import { readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import type { z } from "zod";

/** The settings cannot be used. The message has one line per mistake. */
export class SettingsError extends Error {
  override readonly name: string = "SettingsError";
}

/** Where settings come from. */
export interface SettingSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A YAML or JSON file with the same names in lower case; null: none. */
  readonly file: string | null;
}

/**
 * Reads and checks settings. `schema` names them as the environment does, in capitals. Unknown
 * variables are none of our business; unknown names in the file are mistakes.
 * @returns a frozen object
 * @throws {SettingsError} naming everything that is missing, malformed or unknown
 */
export function readSettings<Schema extends z.ZodObject>(
  schema: Schema,
  sources: SettingSources,
): Readonly<z.output<Schema>> {
  const names = Object.keys(schema.shape);
  const fromFile = sources.file === null ? {} : readFile(sources.file, names);
  const fromEnvironment = Object.fromEntries(
    Object.entries(sources.environment).filter(
      ([name, value]) => value !== undefined && value !== "" && names.includes(name),
    ),
  );
  const parsed = schema.safeParse({ ...fromFile, ...fromEnvironment });
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new SettingsError(lines.join("\n"));
  }
  return Object.freeze(parsed.data);
}

/** Everything in the file as text, as the environment would have it. */
function readFile(file: string, names: readonly string[]): Record<string, string> {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new SettingsError(`${file}: cannot be read or is not YAML`, { cause });
  }
  if (content === null || content === undefined) return {};
  if (typeof content !== "object" || Array.isArray(content)) {
    throw new SettingsError(`${file}: must hold names and values`);
  }
  const mistakes: string[] = [];
  const settings: Record<string, string> = {};
  for (const [key, value] of Object.entries(content)) {
    const name = key.toUpperCase();
    const isScalar = ["string", "number", "boolean"].includes(typeof value);
    if (!names.includes(name)) mistakes.push(`${key}: is not known${suggestion(name, names)}`);
    else if (!isScalar) mistakes.push(`${key}: must be one value`);
    else settings[name] = String(value);
  }
  if (mistakes.length > 0) throw new SettingsError(mistakes.join("\n"));
  return settings;
}

function suggestion(name: string, names: readonly string[]): string {
  const [nearest] = names
    .map((candidate) => ({ candidate, distance: distanceOf(name, candidate) }))
    .toSorted((a, b) => a.distance - b.distance);
  if (nearest === undefined || nearest.distance > 3) return "";
  return `; did you mean ${nearest.candidate.toLowerCase()}?`;
}

/** Edits (insert, delete, replace) that make one word of the other. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
