/** Reads a whole provider package into one schema, and cuts it to the types that are used. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Block, ProviderSchema, Schema } from "./provider-schema.ts";
import { readBindings } from "./read-bindings.ts";
import { schemaOfBindings, type Unresolved } from "./schema-of-bindings.ts";

export interface Extraction {
  readonly schema: ProviderSchema;
  readonly unresolved: Unresolved;
}

/** The schema of the provider whose bindings are unpacked in `folder`. */
export function extractProvider(folder: string): Extraction {
  const unresolved: Unresolved = [];
  const resources: Record<string, Schema> = {};
  const dataSources: Record<string, Schema> = {};
  let provider: Schema | undefined;
  for (const name of readdirSync(join(folder, "lib"))) {
    const path = join(folder, "lib", name);
    if (!statSync(path).isDirectory()) continue;
    const index = readFileSync(join(path, "index.js"), "utf8");
    const type = /tfResourceType = "([^"]+)"/.exec(index)?.[1];
    if (type === undefined && name !== "provider") continue;
    const bindings = readBindings(path);
    const main = [...bindings.classes.values()].find((found) =>
      /^Terraform(Resource|DataSource|Provider)$/.test(found.base),
    );
    if (main === undefined) continue;
    const schema = { version: 0, block: schemaOfBindings(bindings, main.body, unresolved) };
    if (main.base === "TerraformProvider") provider = schema;
    else if (main.base === "TerraformDataSource") dataSources[type ?? name] = schema;
    else resources[type ?? name] = schema;
  }
  if (provider === undefined) throw new Error(`${folder} has no provider in it.`);
  giveWebAclItsStatement(resources);
  return {
    schema: {
      source: sourceOf(folder),
      provider,
      resource_schemas: resources,
      data_source_schemas: dataSources,
    },
    unresolved,
  };
}

function sourceOf(folder: string): ProviderSchema["source"] {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly name: string;
    readonly version: string;
    readonly cdktn: { readonly provider: { readonly name: string; readonly version: string } };
  };
  const { name, version } = manifest.cdktn.provider;
  return { name, version, package: `${manifest.name}@${manifest.version}` };
}

// The bindings type the statement of a web ACL as `any`; aws_wafv2_web_acl_rule states its real shape.
function giveWebAclItsStatement(resources: Record<string, Schema>): void {
  const statement = resources["aws_wafv2_web_acl_rule"]?.block.block_types["statement"];
  const rule = resources["aws_wafv2_web_acl"]?.block.block_types["rule"]?.block;
  if (statement === undefined || rule === undefined) return;
  delete rule.attributes["statement"];
  rule.block_types["statement"] = { ...statement, min_items: 1, max_items: 1 };
}

/** Only the named types; data sources are named `data.<type>`. Throws if one is missing or empty. */
export function onlyTypes(schema: ProviderSchema, types: ReadonlySet<string>): ProviderSchema {
  return {
    ...schema,
    resource_schemas: chosen(schema.resource_schemas, types, ""),
    data_source_schemas: chosen(schema.data_source_schemas, types, "data."),
  };
}

function chosen(
  schemas: Record<string, Schema>,
  types: ReadonlySet<string>,
  prefix: string,
): Record<string, Schema> {
  const kept = Object.entries(schemas)
    .filter(([type]) => types.has(prefix + type))
    .toSorted(([a], [b]) => a.localeCompare(b));
  const empty = kept.find(([, schema]) => isEmpty(schema.block));
  if (empty !== undefined) throw new Error(`The bindings say nothing about ${empty[0]}.`);
  return Object.fromEntries(kept);
}

function isEmpty(block: Block): boolean {
  return Object.keys(block.attributes).length === 0;
}
