/** What becomes of a configuration's text: accepted as a whole, or refused with every problem. */
import { type Configuration, type Problem, validateConfiguration } from "../src/index.ts";

/** The configuration of a text in which nothing is wrong. */
export function accepted(text: string, environment: Record<string, string> = {}): Configuration {
  const validation = validateConfiguration(text, "/etc/cloudphoenix/shop.yaml", environment);
  if ("problems" in validation) throw new Error(JSON.stringify(validation.problems, null, 1));
  return validation.configuration;
}

/** The problems of a text in which something is. */
export function refused(text: string): readonly Problem[] {
  const validation = validateConfiguration(text, "shop.yaml");
  if ("configuration" in validation) throw new Error("the text was accepted");
  return validation.problems;
}

/** Line and column (from 1) of `marker` in `text`. */
export function placeOf(text: string, marker: string): { line: number; column: number } {
  const before = text.slice(0, text.indexOf(marker)).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
