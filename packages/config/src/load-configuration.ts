/** Loads a configuration file or says, like a compiler, everything that is wrong with it. */

import { readFile } from "node:fs/promises";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import type { Configuration } from "./configuration.ts";
import type { Environment } from "./fill-in-environment.ts";
import { renderProblems } from "./problem.ts";
import { validateConfiguration } from "./validate-configuration.ts";

/**
 * The frozen configuration in the file at `path`. `environment` fills in `${NAME}` and may name
 * the state database (`CLOUDPHOENIX_STATE_URL`).
 *
 * @throws {CloudPhoenixError} `CONFIG_UNREADABLE` if the file cannot be read; `CONFIG_INVALID`
 *   with every problem in its message, each with file, line, column and a suggestion
 */
export async function loadConfiguration(
  path: string,
  options: { readonly environment: Environment },
): Promise<Configuration> {
  const text = await readText(path);
  const validation = validateConfiguration(text, path, options.environment);
  if ("configuration" in validation) return validation.configuration;
  const count = validation.problems.length;
  throw new CloudPhoenixError("CONFIG_INVALID", renderProblems(validation.problems), {
    retryable: false,
    hint: `Correct the ${count === 1 ? "problem" : `${count} problems`} in ${path}, then run \`cloudphoenix config check\`.`,
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new CloudPhoenixError(
      "CONFIG_UNREADABLE",
      `cannot read configuration ${path}: ${messageOf(cause)}`,
      { retryable: false, hint: "Name a readable YAML file with --config.", cause },
    );
  }
}
