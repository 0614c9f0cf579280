/**
 * Hides secrets and personal fields in what is logged.
 *
 * Ours because the logger's own way, a list of paths with wildcards, takes ten times as long as
 * writing the line (measured: 47 µs against 4 µs), knows neither arrays nor other spellings, and
 * applies to the bindings of every child logger again.
 */

/** What stands in place of a hidden value. */
const HIDDEN = "[hidden]";
/** Deeper than anything worth logging; also the end of circular references. */
const DEPTH_MAX = 5;

/** Answers a function that copies an object without the values of `fields`, whatever their case. */
export function fieldHider(fields: readonly string[]): (object: object) => Record<string, unknown> {
  const names = new Set(fields.map((field) => field.toLowerCase()));
  return (object) => hideIn(object, names, 0);
}

function hideIn(
  object: object,
  names: ReadonlySet<string>,
  depth: number,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    copy[key] = names.has(key.toLowerCase()) ? HIDDEN : hideValue(value, names, depth + 1);
  }
  return copy;
}

function hideValue(value: unknown, names: ReadonlySet<string>, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  // Errors are described by their serializer, dates and the like by themselves.
  if (value instanceof Error || ("toJSON" in value && typeof value.toJSON === "function")) {
    return value;
  }
  if (depth >= DEPTH_MAX) return "[too deep]";
  if (Array.isArray(value)) return value.map((item) => hideValue(item, names, depth + 1));
  return hideIn(value, names, depth);
}
