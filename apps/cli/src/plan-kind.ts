import type { PlanKind } from "@cloudphoenix/core";
import { InvalidArgumentError } from "commander";

const KINDS: readonly PlanKind[] = ["heal", "region", "dr", "switchover", "rollback"];

/** Parses a plan kind typed by a person. @throws {InvalidArgumentError} naming the kinds */
export function planKindOf(text: string): PlanKind {
  const kind = KINDS.find((candidate) => candidate === text);
  if (kind === undefined) throw new InvalidArgumentError(`use one of: ${KINDS.join(", ")}`);
  return kind;
}
