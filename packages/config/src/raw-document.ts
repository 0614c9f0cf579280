/**
 * Tolerant reading of a document that may be wrong in other places.
 *
 * Cross checks run on the raw document, not on the parsed one, so that a typo in one section does
 * not hide a dangling reference in another: every mistake is shown at once.
 */

/** The value at `path`; undefined if anything on the way is missing or of another shape. */
export function rawAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** The text at `path`, or null. */
export function rawText(document: unknown, path: readonly PropertyKey[]): string | null {
  const value = rawAt(document, path);
  return typeof value === "string" ? value : null;
}

/** The list at `path`; empty if there is none. */
export function rawList(document: unknown, path: readonly PropertyKey[]): readonly unknown[] {
  const value = rawAt(document, path);
  return Array.isArray(value) ? value : [];
}

/** The texts of the list at `path` with their indices; entries that are not texts are left out. */
export function rawTexts(
  document: unknown,
  path: readonly PropertyKey[],
): readonly { readonly index: number; readonly text: string }[] {
  return rawList(document, path).flatMap((value, index) =>
    typeof value === "string" ? [{ index, text: value }] : [],
  );
}
