/** What was asked of `cloudphoenix sync`, and what of it makes no sense together. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import {
  DEFAULT_DELETE_RULES,
  DEFAULT_SIZES,
  type DeleteRules,
  type ServerSideMode,
} from "@cloudphoenix/objects";
import type { DeleteLimit } from "./quantities.ts";

export interface SyncChoices {
  readonly dryRun?: boolean;
  readonly verify?: boolean;
  readonly readEverything?: boolean;
  readonly sample?: number;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly delete?: boolean;
  readonly deleteAfter: number;
  readonly maxDelete?: DeleteLimit;
  readonly deleteForeign?: boolean;
  readonly allowEmptySource?: boolean;
  readonly bandwidth?: number;
  readonly concurrency?: number;
  readonly memory?: number;
  readonly serverSideCopy: ServerSideMode;
  readonly stateDir?: string;
}

/** Null: nothing is deleted. */
export function deleteRules(choices: SyncChoices): DeleteRules | null {
  if (choices.delete !== true) return null;
  return {
    ...DEFAULT_DELETE_RULES,
    ...choices.maxDelete,
    delayMs: choices.deleteAfter,
    onlyStamped: choices.deleteForeign !== true,
    allowEmptySource: choices.allowEmptySource ?? false,
  };
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` if an option would have no effect or contradicts another */
export function refuseNonsense(choices: SyncChoices): void {
  const dependent = [
    ["--sample", choices.sample, "--verify", choices.verify],
    ["--read-everything", choices.readEverything, "--verify", choices.verify],
    ["--max-delete", choices.maxDelete, "--delete", choices.delete],
    ["--delete-foreign", choices.deleteForeign, "--delete", choices.delete],
    ["--allow-empty-source", choices.allowEmptySource, "--delete", choices.delete],
  ] as const;
  for (const [option, given, other, isOn] of dependent) {
    if (given === undefined || isOn === true) continue;
    throw bad(`${option} means nothing without ${other}`, `Add ${other}, or leave ${option} out.`);
  }
  if (choices.memory !== undefined && choices.memory < DEFAULT_SIZES.partBytes) {
    throw bad("--memory is less than one part of an object", "Give it 8MiB or more.");
  }
  if (choices.verify === true && (choices.delete === true || choices.dryRun === true)) {
    throw bad("--verify changes nothing anyway", "Run it alone, before or after the other.");
  }
  const ofCopies = [
    ["--concurrency", choices.concurrency !== undefined],
    ["--memory", choices.memory !== undefined],
    ["--server-side-copy", choices.serverSideCopy !== "auto"],
  ] as const;
  for (const [option, isGiven] of ofCopies) {
    if (choices.verify !== true || !isGiven) continue;
    throw bad(
      `${option} means nothing with --verify, which copies nothing`,
      `Leave ${option} out.`,
    );
  }
}

function bad(message: string, hint: string): CloudPhoenixError {
  return new CloudPhoenixError("BAD_REQUEST", message, { retryable: false, hint });
}
