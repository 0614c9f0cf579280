import type { ErrorCode } from "@cloudphoenix/core";

/** What nobody but a person can mend about one object; trying again changes nothing. */
export const FINAL_FAILURES: readonly ErrorCode[] = [
  "CONFLICT",
  "OBJECT_NAME_REFUSED",
  "OBJECT_REFUSED",
];

/** What one object may have, and a whole store as well: `FailureList.isLasting` tells them apart. */
export const PERHAPS_FINAL: readonly string[] = [
  "OBJECT_CORRUPT",
  "OBJECT_STORE_DENIED",
] satisfies readonly ErrorCode[];
