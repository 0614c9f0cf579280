/** Walks a zod schema as a tree of fields, for suggestions and for the reference page. */

import { z } from "zod";

type Schema = z.core.$ZodType;

/** What one field of the schema is, behind its wrappers. */
export interface SchemaNode {
  /** Keys of a map, in order; null if it is not one. */
  readonly fields: Readonly<Record<string, Schema>> | null;
  /** What a list or a free map holds; null if it is neither. */
  readonly element: Schema | null;
  /** What people call the type. */
  readonly type: string;
  /** Whether the field must be written. */
  readonly required: boolean;
  readonly default: string | null;
  readonly description: string;
  /** What to write, if its type says so. */
  readonly help: string | null;
}

/** Looks through optional, default and transforming wrappers; the outermost text wins. */
export function readSchema(schema: Schema): SchemaNode {
  const layers = [...layersOf(schema)];
  const texts = layers.map((layer) => z.globalRegistry.get(layer) ?? {});
  const text = (key: string): string | null => {
    const found: unknown = texts.find((meta) => typeof meta[key] === "string")?.[key];
    return typeof found === "string" ? found : null;
  };
  const shape = shapeOf(layers.at(-1) ?? schema);
  return {
    ...shape,
    type: text("type") ?? shape.type,
    required: !layers.some(isWaived),
    default: text("default") ?? defaultOf(layers),
    description: text("description") ?? "",
    help: text("help"),
  };
}

/** The field at `path` of a document, or null if the schema has none there. */
export function schemaAt(root: Schema, path: readonly PropertyKey[]): SchemaNode | null {
  let node = readSchema(root);
  for (const key of path) {
    const next = node.fields?.[String(key)] ?? node.element;
    if (next === null) return null;
    node = readSchema(next);
  }
  return node;
}

function isWaived(layer: Schema): boolean {
  return (
    layer instanceof z.ZodOptional ||
    layer instanceof z.ZodDefault ||
    layer instanceof z.ZodPrefault
  );
}

function innerOf(schema: Schema): Schema | null {
  if (schema instanceof z.ZodPipe) return schema.in;
  if (schema instanceof z.ZodOptional) return schema.unwrap();
  if (schema instanceof z.ZodDefault) return schema.unwrap();
  if (schema instanceof z.ZodPrefault) return schema.unwrap();
  return null;
}

function* layersOf(schema: Schema): Generator<Schema> {
  for (let layer: Schema | null = schema; layer !== null; layer = innerOf(layer)) yield layer;
}

type Shape = Pick<SchemaNode, "fields" | "element" | "type">;

function shapeOf(schema: Schema): Shape {
  if (schema instanceof z.ZodObject) return { fields: schema.shape, element: null, type: "map" };
  if (schema instanceof z.ZodArray) {
    const { element } = schema;
    return { fields: null, element, type: `list of ${readSchema(element).type}` };
  }
  if (schema instanceof z.ZodUnion) {
    const list = schema.options.find((option) => option instanceof z.ZodArray);
    const type = schema.options.map((option) => readSchema(option).type).join(" | ");
    return { fields: null, element: list instanceof z.ZodArray ? list.element : null, type };
  }
  if (schema instanceof z.ZodRecord) {
    const element = schema.valueType;
    return { fields: null, element, type: `map of ${readSchema(element).type}` };
  }
  if (schema instanceof z.ZodEnum) return leaf(choices(schema.options));
  if (schema instanceof z.ZodLiteral) return leaf(choices([...schema.values]));
  if (schema instanceof z.ZodNumber) return leaf(schema.isInt ? "whole number" : "number");
  return leaf("text");
}

function leaf(type: string): Shape {
  return { fields: null, element: null, type };
}

function choices(values: readonly unknown[]): string {
  return values.map((value) => `\`${String(value)}\``).join(" | ");
}

function defaultOf(layers: readonly Schema[]): string | null {
  const layer = layers.find((candidate) => candidate instanceof z.ZodDefault);
  if (layer === undefined) return null;
  const value = layer.def.defaultValue;
  if (Array.isArray(value) && value.length === 0) return "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}
