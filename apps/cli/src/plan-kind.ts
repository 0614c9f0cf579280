import { PLAN_KINDS, type PlanKind } from "@cloudphoenix/core";
import { InvalidArgumentError } from "commander";

/** Parses a plan kind typed by a person. @throws {InvalidArgumentError} naming the kinds */
export function planKindOf(text: string): PlanKind {
  const kind = PLAN_KINDS.find((candidate) => candidate === text);
  if (kind === undefined) throw new InvalidArgumentError(`use one of: ${PLAN_KINDS.join(", ")}`);
  return kind;
}
