/**
 * Metadata names as C# identifiers, which is all that Blob takes, and back.
 *
 * A character that does not fit becomes `_xHH` (its code in hexadecimal), and so does an underscore
 * that would otherwise read as such an escape. Only escapes made by this rule are undone.
 * Invariants: `decode(encode(name))` is `name` for every lower-case header name, and
 * `encode(decode(name))` is `name` for every lower-case identifier: nothing is lost in either direction.
 */

/** `content-kind` becomes `content_x2dkind`. Names are in lower case and ASCII. */
export function encodeMetadataName(name: string): string {
  let encoded = "";
  for (let at = 0; at < name.length; at += 1) {
    const char = name.charAt(at);
    const ambiguous = char === "_" && escapeAt(name, at) !== null;
    encoded += fits(char, at) && !ambiguous ? char : escaped(char);
  }
  return encoded;
}

/** The name that `encodeMetadataName` was given; other identifiers stay as they are. */
export function decodeMetadataName(identifier: string): string {
  let name = "";
  for (let at = 0; at < identifier.length; at += 1) {
    const original = escapeAt(identifier, at);
    name += original ?? identifier.charAt(at);
    if (original !== null) at += ESCAPE_LENGTH - 1;
  }
  return name;
}

const ESCAPE_LENGTH = 4;

function fits(char: string, at: number): boolean {
  return at === 0 ? /[a-z_]/.test(char) : /[a-z0-9_]/.test(char);
}

function escaped(char: string): string {
  return `_x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** What the escape at this place stands for; null if it is none that this rule would have made. */
function escapeAt(identifier: string, at: number): string | null {
  const match = /^_x([0-9a-f]{2})/.exec(identifier.slice(at, at + ESCAPE_LENGTH));
  if (match?.[1] === undefined) return null;
  const char = String.fromCharCode(Number.parseInt(match[1], 16));
  if (char === "_") {
    const undone = `${identifier.slice(0, at)}_${identifier.slice(at + ESCAPE_LENGTH)}`;
    return escapeAt(undone, at) === null ? null : char;
  }
  return fits(char, at) ? null : char;
}
