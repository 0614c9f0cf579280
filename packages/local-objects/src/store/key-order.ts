/** The order of keys: that of their UTF-8 bytes, which is not the order of JavaScript strings. */

/** Negative, zero or positive, as for `sort`. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at += 1) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** The comparison that does for keys of which `isPlain` holds; a tenth of the cost. */
export function comparePlainKeys(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Whether JavaScript's own order is that of the UTF-8 bytes: no unit from the surrogates up. */
export function isPlain(key: string): boolean {
  return !/[\uD800-\uFFFF]/.test(key);
}

/** Halves of surrogate pairs stand for code points above U+FFFF, so they come after U+E000–U+FFFF. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
