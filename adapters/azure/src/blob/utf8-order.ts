/**
 * Puts a listing in UTF-16 order, as Blob gives it, into the order of UTF-8 bytes, as the port wants it.
 *
 * The two differ only where, after a common beginning, one key goes on with a character above U+FFFF and
 * the other with one from U+E000 to U+FFFF. So keys are held back from the first one with such a character
 * for as long as keys begin with what stood before it, then let go in order. A listing that is in
 * UTF-8 order already stays so. At most `heldMax` entries are held; beyond that they go on as they came.
 */
import { compareKeys } from "@cloudphoenix/objects";

/** Takes entries in UTF-16 order and gives them in UTF-8 order. */
export class Utf8Order<Entry extends { readonly key: string }> {
  readonly #heldMax: number;
  #held: Entry[] = [];
  #beginning = "";

  constructor(heldMax = 100_000) {
    this.#heldMax = heldMax;
  }

  /** What may go on, after a page. */
  push(page: readonly Entry[]): readonly Entry[] {
    if (this.#held.length === 0 && !page.some(({ key }) => firstSurrogate(key) >= 0)) return page;
    const free: Entry[] = [];
    for (const entry of page) {
      if (this.#held.length > 0) {
        if (entry.key.startsWith(this.#beginning) && this.#held.length < this.#heldMax) {
          this.#held.push(entry);
          continue;
        }
        free.push(...this.flush());
      }
      const at = firstSurrogate(entry.key);
      if (at < 0) {
        free.push(entry);
      } else {
        this.#beginning = entry.key.slice(0, at);
        this.#held.push(entry);
      }
    }
    return free;
  }

  /** What was held back. */
  flush(): readonly Entry[] {
    const held = this.#held.toSorted((a, b) => compareKeys(a.key, b.key));
    this.#held = [];
    return held;
  }
}

/** Where a UTF-16 listing has to begin to hold every key that comes after `after` in UTF-8 order. */
export function utf16StartFor(after: string): string {
  const at = after.search(/[\ud800-\uffff]/);
  return at < 0 ? after : after.slice(0, at);
}

function firstSurrogate(key: string): number {
  return key.search(/[\ud800-\udbff]/);
}
