/** How far the copy of the objects is, in one line. */
import { durationText } from "./duration-text.ts";

/** As the controller tells it; see its `/openapi.json`. */
export interface ObjectCopyDocument {
  readonly behindMs: number | null;
  readonly pending: number;
  readonly canaryAgeMs: number | null;
  readonly paused: string | null;
}

/** `objects 1.2 s behind, 4 on their way`, or why nothing is copied. */
export function objectCopyText({ behindMs, pending, paused }: ObjectCopyDocument): string {
  if (paused !== null) return `objects are not copied: ${paused}`;
  const behind = behindMs === null ? "an unknown time" : durationText(behindMs);
  return `objects ${behind} behind, ${pending} on their way`;
}
