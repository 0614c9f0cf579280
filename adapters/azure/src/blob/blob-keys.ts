/**
 * Which object keys a blob container can hold unchanged, and their place in a URL.
 *
 * Decision: a key that Blob would store under another name is refused, not renamed. A renamed copy
 * is of no use to the application that asks for its own key after a failover; a list of refused keys
 * before the disaster is. Rules: "Naming and referencing containers, blobs, and metadata".
 */
import { CloudPhoenixError } from "@cloudphoenix/core";

const KEY_MAX_CHARACTERS = 1024;
const SEGMENTS_MAX = 254;

/** Why the container cannot hold the key; null if it can. */
function blobKeyProblem(key: string): string | null {
  if (key.length === 0) return "it is empty";
  if (key.length > KEY_MAX_CHARACTERS) return `it is longer than ${KEY_MAX_CHARACTERS} characters`;
  if (!key.isWellFormed()) return "it is not well-formed Unicode";
  if (key.includes("\\")) return "it holds a backslash, which Blob takes for a slash";
  // oxlint-disable-next-line eslint/no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/.test(key)) return "it holds a control character";
  const segments = key.split("/");
  if (segments.length > SEGMENTS_MAX) return `it has more than ${SEGMENTS_MAX} segments`;
  if (segments.some((segment) => segment.endsWith("."))) {
    return "a segment ends with a dot, which Blob drops";
  }
  return null;
}

/** @throws {CloudPhoenixError} `OBJECT_NAME_REFUSED` */
export function checkBlobKey(key: string): void {
  const problem = blobKeyProblem(key);
  if (problem === null) return;
  const shown = JSON.stringify(key.slice(0, 200));
  throw new CloudPhoenixError(
    "OBJECT_NAME_REFUSED",
    `Blob cannot hold the key ${shown}: ${problem}`,
    {
      retryable: false,
      hint: "Rename the object at its source, or exclude it.",
    },
  );
}

/** The key as the path of a URL; slashes stay. */
export function escapeBlobKey(key: string): string {
  return PLAIN_KEY.test(key) ? key : key.split("/").map(encodeURIComponent).join("/");
}

const PLAIN_KEY = /^[\w/.-]*$/;
