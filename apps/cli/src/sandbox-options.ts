/** Options shared by the commands that start a sandbox. */
import type { DurabilityMode } from "@cloudphoenix/core";
import type { WorldOptions } from "@cloudphoenix/sandbox";
import { type Command, InvalidArgumentError } from "commander";
import type { Invocation } from "./command-context.ts";
import { sandboxDirectory } from "./connection.ts";

export interface SandboxChoices {
  readonly durability?: DurabilityMode;
  readonly delay?: number;
  /** False: without object stores. */
  readonly objects?: boolean;
}

const DURABILITY_MODES: readonly DurabilityMode[] = ["async", "barrier", "sync"];
const DELAY_MS_MAX = 1_000;

/** Adds `--durability`, `--delay` and `--no-objects`. */
export function withSandboxOptions(command: Command): Command {
  return command
    .option("--durability <mode>", DURABILITY_MODES.join(", "), durabilityOf, "async")
    .option("--delay <ms>", "one-way delay between the sites in ms", delayOf, 20)
    .option("--no-objects", "without object stores, receipts and the worker that copies them");
}

/** What `openWorld` wants, from what was typed. */
export function sandboxOptions(
  { options, terminal, signal }: Invocation,
  choices: SandboxChoices,
): WorldOptions {
  return {
    name: options.name,
    directory: sandboxDirectory(options),
    ...(choices.durability === undefined ? {} : { durability: choices.durability }),
    ...(choices.delay === undefined ? {} : { delayMs: choices.delay }),
    objects: choices.objects ?? true,
    onProgress: (text) => terminal.progress(`  ${text}`),
    signal,
  };
}

function durabilityOf(text: string): DurabilityMode {
  const mode = DURABILITY_MODES.find((candidate) => candidate === text);
  if (mode !== undefined) return mode;
  throw new InvalidArgumentError(`use one of: ${DURABILITY_MODES.join(", ")}`);
}

function delayOf(text: string): number {
  const ms = Number(text);
  if (Number.isInteger(ms) && ms >= 0 && ms <= DELAY_MS_MAX) return ms;
  throw new InvalidArgumentError(`give whole milliseconds from 0 to ${DELAY_MS_MAX}`);
}
