/**
 * Keys in the order both clouds list them: by their UTF-8 bytes.
 *
 * JavaScript compares UTF-16 code units, which differs from UTF-8 exactly where a surrogate (a
 * character above U+FFFF) meets a character from U+E000 to U+FFFF.
 */

/** Negative, zero or positive, as `a` comes before, is, or comes after `b`. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  let at = 0;
  while (at < shared && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  if (at === shared) return a.length - b.length;
  return rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
}

/** Moves surrogates behind every other code unit, where UTF-8 has them. */
function rank(codeUnit: number): number {
  const isSurrogate = codeUnit >= 0xd800 && codeUnit <= 0xdfff;
  return isSurrogate ? codeUnit + 0x1_0000 : codeUnit;
}

/** A stretch of the key space: keys after `after`, up to and including `upTo`. Absent is open. */
export interface KeyRange {
  readonly after?: string;
  readonly upTo?: string;
}

/** All keys. */
export const EVERY_KEY: KeyRange = Object.freeze({});
