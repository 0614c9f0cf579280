/** A rendered manifest as plain data, and safe ways into it. */

export type Json = null | boolean | number | string | readonly Json[] | JsonRecord;
export interface JsonRecord {
  readonly [key: string]: Json;
}

/** The value at `path`; undefined where the way ends early. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let here = value;
  for (const key of path) here = record(here)[key];
  return here;
}

/** The value as a map; empty if it is none. */
export function record(value: Json | undefined): JsonRecord {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  return isMap ? (value as JsonRecord) : {};
}

/** The value as a list; empty if it is none. */
export function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** The text at `path`; empty if there is none. */
export function text(value: Json | undefined, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

/** The number at `path`; `NaN`, which agrees with nothing, if there is none. */
export function number(value: Json | undefined, ...path: readonly string[]): number {
  const found = at(value, ...path);
  return typeof found === "number" ? found : Number.NaN;
}

export const kindOf = (document: Json): string => text(document, "kind");
export const nameOf = (document: Json): string => text(document, "metadata", "name");
export const namespaceOf = (document: Json): string => text(document, "metadata", "namespace");
/** How findings call a document: `Deployment shop/orders`. */
export const titleOf = (document: Json): string =>
  `${kindOf(document)} ${[namespaceOf(document), nameOf(document)].filter(Boolean).join("/")}`;

/** Whether `selector`, a map of labels, picks something with `labels`. */
export function picks(selector: Json | undefined, labels: Json | undefined): boolean {
  const wanted = Object.entries(record(selector));
  return wanted.every(([key, value]) => record(labels)[key] === value);
}
