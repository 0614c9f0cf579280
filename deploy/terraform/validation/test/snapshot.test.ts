import { describe, expect, it } from "vitest";
import type { Block } from "../src/schemas/provider-schema.ts";
import { readSnapshots, typesInUse } from "../src/schemas/snapshot.ts";
import { DOCUMENTED } from "./documented-arguments.ts";

const schemas = readSnapshots();
const resources = Object.assign({}, ...schemas.map((schema) => schema.resource_schemas));

/** The documentation calls it required; the provider asks for it only for checks of an endpoint. */
const REQUIRED_SOMETIMES = new Set(["request_interval"]);

describe("the schema snapshot", () => {
  it("knows every type the modules use, and no more", () => {
    const known = schemas.flatMap((schema) => [
      ...Object.keys(schema.resource_schemas),
      ...Object.keys(schema.data_source_schemas).map((type) => `data.${type}`),
    ]);
    expect(known.toSorted()).toEqual([...typesInUse()].toSorted());
  });

  it("says which provider version and which package it came from", () => {
    expect(schemas.map(({ source }) => `${source.name} ${source.version}`)).toEqual([
      "registry.terraform.io/hashicorp/aws 6.66.0",
      "registry.terraform.io/hashicorp/azurerm 4.73.0",
    ]);
    for (const { source } of schemas) expect(source.package).toMatch(/^@cdktn\/provider-\w+@\d/);
  });

  it("has something to say about every type", () => {
    for (const [type, schema] of Object.entries(resources)) {
      const { block } = schema as { readonly block: Block };
      const settable = Object.values(block.attributes).filter(
        (attribute) => attribute.required === true || attribute.optional === true,
      );
      expect(settable.length + Object.keys(block.block_types).length, type).toBeGreaterThan(0);
    }
  });

  it.each(Object.entries(DOCUMENTED))("agrees with the documentation of %s", (type, list) => {
    const { block } = resources[type] as { readonly block: Block };
    const wrong = list.split(/\s+/).filter((entry) => {
      const name = entry.replace("!", "");
      const found = argument(block, name.split("."));
      return found === null || (found !== entry.endsWith("!") && !REQUIRED_SOMETIMES.has(name));
    });
    expect(wrong).toEqual([]);
  });
});

/** Whether an argument or block is required; null if the schema does not have it. */
function argument(block: Block, [name = "", ...rest]: readonly string[]): boolean | null {
  const inner = block.block_types[name];
  if (rest.length > 0) return inner === undefined ? null : argument(inner.block, rest);
  if (inner !== undefined) return (inner.min_items ?? 0) > 0;
  const attribute = block.attributes[name];
  return attribute === undefined ? null : attribute.required === true;
}
