/** A database schema as a list of objects, each with the statement that makes it. Data only. */
import { createHash } from "node:crypto";

/** In the order they are made; see `copy-schema.ts` for what happens when that is not enough. */
export const OBJECT_KINDS = [
  "schema",
  "extension",
  "type",
  "sequence",
  "function",
  "table",
  "constraint",
  "index",
  "foreign key",
  "view",
  "trigger",
  "statistics",
  "setting",
] as const;

export type ObjectKind = (typeof OBJECT_KINDS)[number];

export interface SchemaObject {
  readonly kind: ObjectKind;
  /** Qualified and quoted, for instance `public.orders` or `public.orders.orders_pkey`. */
  readonly name: string;
  /** Makes the object where it is missing. */
  readonly statement: string;
  /** What must be equal at both sites, by aspect: a table has one per column. */
  readonly aspects: Readonly<Record<string, string>>;
  /** Role that owns it; null where it follows its table. */
  readonly owner: string | null;
  /** `alter … owner to` target, for instance `table public.orders`; null if `owner` is. */
  readonly ownedAs: string | null;
}

/** The same for the same objects and problems, in whatever order they were read, and for no others. */
export function schemaDigest(
  objects: readonly SchemaObject[],
  problems: readonly string[],
): string {
  const texts = [...objects.map((object) => JSON.stringify(object)), ...problems].toSorted();
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex");
}

/**
 * In what two schemas differ, one sentence each; empty if in nothing.
 * Extra and missing objects count in both directions: replication will turn round one day.
 */
export function schemaDifferences(
  left: { readonly site: string; readonly objects: readonly SchemaObject[] },
  right: { readonly site: string; readonly objects: readonly SchemaObject[] },
): readonly string[] {
  const leftByKey = new Map(left.objects.map((object) => [keyOf(object), object]));
  const rightByKey = new Map(right.objects.map((object) => [keyOf(object), object]));
  const differences: string[] = [];
  for (const [key, object] of leftByKey) {
    const other = rightByKey.get(key);
    if (other === undefined) differences.push(`${key} is missing at ${right.site}`);
    else differences.push(...aspectDifferences(key, [left.site, object], [right.site, other]));
  }
  for (const key of rightByKey.keys()) {
    if (!leftByKey.has(key)) differences.push(`${key} is missing at ${left.site}`);
  }
  return differences;
}

function keyOf(object: SchemaObject): string {
  return `${object.kind} ${object.name}`;
}

function aspectDifferences(
  key: string,
  [leftSite, left]: readonly [string, SchemaObject],
  [rightSite, right]: readonly [string, SchemaObject],
): readonly string[] {
  const aspects = new Set([...Object.keys(left.aspects), ...Object.keys(right.aspects)]);
  return [...aspects].flatMap((aspect) => {
    const here = left.aspects[aspect];
    const there = right.aspects[aspect];
    if (here === there) return [];
    if (there === undefined) return [`${key}: ${aspect} is missing at ${rightSite}`];
    if (here === undefined) return [`${key}: ${aspect} is missing at ${leftSite}`];
    return [`${key}: ${aspect} is "${here}" at ${leftSite} and "${there}" at ${rightSite}`];
  });
}
