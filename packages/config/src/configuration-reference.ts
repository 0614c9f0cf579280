/** The configuration as a table, for the documentation. */

import type { z } from "zod";
import { configurationSchema } from "./schema.ts";
import { readSchema } from "./schema-tree.ts";

/** One field of the file. */
export interface ReferenceRow {
  /** For instance `sites[].entry.url`; `<vantage>` stands for a key the user chooses. */
  readonly path: string;
  readonly type: string;
  /** As written in YAML, or a sentence; null if there is none. */
  readonly default: string | null;
  readonly required: boolean;
  readonly description: string;
}

/** Every field of the configuration file in the order of the file, read from the schema itself. */
export function configurationReference(): readonly ReferenceRow[] {
  return [
    ...rowsOf(
      configurationSchema((name) => name),
      "",
    ),
  ];
}

function* rowsOf(schema: z.core.$ZodType, path: string): Generator<ReferenceRow> {
  const node = readSchema(schema);
  if (path !== "" && !path.endsWith("]")) {
    const { type, required, description } = node;
    yield { path, type, default: node.default, required, description };
  }
  for (const [key, field] of Object.entries(node.fields ?? {})) {
    yield* rowsOf(field, path === "" ? key : `${path}.${key}`);
  }
  if (node.element !== null && node.type.startsWith("list of map")) {
    yield* rowsOf(node.element, `${path}[]`);
  }
}
