/**
 * Text of any kind as the value of a metadata header, and back.
 *
 * Both clouds take printable ASCII in metadata values. Anything else travels as an RFC 2047 encoded
 * word in UTF-8 and base64, the form S3 itself uses and documents ("Working with object metadata").
 * Invariant: `decodeHeaderText(encodeHeaderText(text))` is `text`.
 */

const ENCODED_WORD = /=\?utf-8\?([bq])\?([^?\s]*)\?=/gi;
const PLAIN = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;

/** Plain text stays as it is, unless it looks encoded or its blanks at the ends would be lost. */
export function encodeHeaderText(text: string): string {
  if (PLAIN.test(text) && !text.includes("=?")) return text;
  return `=?UTF-8?B?${Buffer.from(text, "utf8").toString("base64")}?=`;
}

/** Text that is not encoded, or not in UTF-8, stays as it is. */
export function decodeHeaderText(value: string): string {
  if (!value.includes("=?")) return value;
  // Blanks between two encoded words are not part of the text.
  const joined = value.replace(/\?=\s+=\?/g, "?==?");
  return joined.replace(ENCODED_WORD, (_whole, kind: string, text: string) =>
    kind.toLowerCase() === "b" ? Buffer.from(text, "base64").toString("utf8") : decodeQuoted(text),
  );
}

function decodeQuoted(text: string): string {
  const bytes = text
    .replaceAll("_", " ")
    .replace(/=([0-9a-f]{2})/gi, (_whole, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
