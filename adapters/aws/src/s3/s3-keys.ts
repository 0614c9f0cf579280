/** Which object keys a bucket can hold. Rules: "Naming Amazon S3 objects". */
import { CloudPhoenixError } from "@cloudphoenix/core";

const KEY_MAX_BYTES = 1024;

/** @throws {CloudPhoenixError} `OBJECT_NAME_REFUSED` */
export function checkS3Key(key: string): void {
  const problem = problemOf(key);
  if (problem === null) return;
  const shown = JSON.stringify(key.slice(0, 200));
  throw new CloudPhoenixError(
    "OBJECT_NAME_REFUSED",
    `S3 cannot hold the key ${shown}: ${problem}`,
    {
      retryable: false,
      hint: "Rename the object at its source, or exclude it.",
    },
  );
}

function problemOf(key: string): string | null {
  if (key.length === 0) return "it is empty";
  if (!key.isWellFormed()) return "it is not well-formed Unicode";
  // A character has at most 3 bytes per code unit, so most keys need no counting.
  if (key.length * 3 > KEY_MAX_BYTES && Buffer.byteLength(key) > KEY_MAX_BYTES) {
    return `it is longer than ${KEY_MAX_BYTES} bytes`;
  }
  return key.includes("..") && leavesBucket(key)
    ? "its `..` segments lead out of the bucket"
    : null;
}

/** S3 refuses a key if, read from the left, `..` ever outnumbers the other segments. */
function leavesBucket(key: string): boolean {
  let depth = 0;
  for (const segment of key.split("/")) {
    if (segment === "..") depth -= 1;
    else if (segment !== "." && segment !== "") depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
