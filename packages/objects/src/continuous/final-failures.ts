import type { ErrorCode } from "@cloudphoenix/core";

/** What nobody but a person can mend about one object; trying again changes nothing. */
export const FINAL_FAILURES: readonly ErrorCode[] = [
  "CONFLICT",
  "OBJECT_NAME_REFUSED",
  "OBJECT_REFUSED",
];
