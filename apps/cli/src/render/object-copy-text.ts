/** How far the copy of the objects is, in one line. */
import { staysBehindText } from "@cloudphoenix/core";
import { durationText } from "./duration-text.ts";

/** As the controller tells it; see its `/openapi.json`. */
export interface ObjectCopyDocument {
  readonly behindMs: number | null;
  readonly pending: number;
  readonly needPerson: number;
  readonly canaryAgeMs: number | null;
  readonly paused: string | null;
  readonly deletesHeldBack: string | null;
}

/** `objects 1.2 s behind, 4 on their way`, then whatever keeps objects from being copied or deleted. */
export function objectCopyText(copy: ObjectCopyDocument): string {
  const { behindMs, pending, needPerson, paused, deletesHeldBack } = copy;
  const behind = behindMs === null ? "an unknown time" : durationText(behindMs);
  return [
    `objects ${behind} behind, ${pending} on their way`,
    ...(paused === null ? [] : [`nothing is copied: ${paused}`]),
    ...(needPerson === 0 ? [] : [staysBehindText(needPerson)]),
    ...(deletesHeldBack === null ? [] : [deletesHeldBack]),
  ].join("; ");
}
