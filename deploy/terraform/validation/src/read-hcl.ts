/** Variables and outputs of a module, read from its HCL. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@cdktn/hcl2json";

export interface VariableBlock {
  readonly name: string;
  readonly description: string;
  /** Type as written, for instance `list(string)`. */
  readonly type: string;
  /** Absent if the variable must be given. */
  readonly default?: unknown;
  readonly rules: readonly string[];
}

export interface ModuleInterface {
  readonly variables: readonly VariableBlock[];
  readonly outputs: readonly { readonly name: string; readonly description: string }[];
  /** Resource types by the file they stand in. */
  readonly resources: Readonly<Record<string, readonly string[]>>;
}

interface HclFile {
  readonly variable?: Readonly<Record<string, readonly HclVariable[]>>;
  readonly output?: Readonly<Record<string, readonly { readonly description?: string }[]>>;
  readonly resource?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface HclVariable {
  readonly description?: string;
  readonly type?: string;
  readonly default?: unknown;
  readonly validation?: readonly { readonly error_message: string }[];
}

/** Reads every `.tf` file of a folder, in the order of their names. */
export async function readModule(folder: string): Promise<ModuleInterface> {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".tf"))
    .toSorted();
  const files = await Promise.all(
    names.map(async (name) => ({
      name,
      hcl: (await parse(name, readFileSync(join(folder, name), "utf8"))) as HclFile,
    })),
  );
  const variables = files.flatMap(({ hcl }) => Object.entries(hcl.variable ?? {}));
  const outputs = files.flatMap(({ hcl }) => Object.entries(hcl.output ?? {}));
  return {
    variables: variables.map(([name, blocks]) => variableOf(name, blocks[0] ?? {})),
    outputs: outputs.map(([name, blocks]) => ({
      name,
      description: blocks[0]?.description ?? "",
    })),
    resources: Object.fromEntries(
      files
        .filter(({ hcl }) => hcl.resource !== undefined)
        .map(({ name, hcl }) => [name, Object.keys(hcl.resource ?? {}).toSorted()]),
    ),
  };
}

function variableOf(name: string, block: HclVariable): VariableBlock {
  return {
    name,
    description: block.description ?? "",
    type: (block.type ?? "any").replace(/^\$\{|\}$/g, ""),
    ...("default" in block && { default: block.default }),
    rules: (block.validation ?? []).map((rule) => rule.error_message),
  };
}
