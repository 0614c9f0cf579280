/** README of a module, made from its HCL: what it makes, what it takes, what it refuses, what it gives. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ModuleInterface, VariableBlock } from "./read-hcl.ts";

const INTRO_END =
  "<!-- Made from the HCL by npm run validate:terraform -- --write; do not edit below. -->";

/** The README as it should be: its own introduction, then the generated part. */
export function moduleReadme(path: string, name: string, module: ModuleInterface): string {
  return `${introduction(path, name)}\n\n${INTRO_END}\n\n${generated(module)}`;
}

function introduction(path: string, name: string): string {
  const file = join(path, "README.md");
  const existing = existsSync(file) ? readFileSync(file, "utf8").split(INTRO_END)[0] : undefined;
  return existing?.trim() ?? `# ${name}`;
}

function generated(module: ModuleInterface): string {
  const files = Object.entries(module.resources).map(
    ([file, types]) =>
      `| [\`${file}\`](${file}) | ${types.map((type) => `\`${type}\``).join(", ")} |`,
  );
  const inputs = module.variables.map(
    (variable) =>
      `| \`${variable.name}\` | ${cell(variable.description)} | \`${shortType(variable.type)}\` | ${defaultOf(variable)} |`,
  );
  const refusals = module.variables.flatMap(({ name, rules }) =>
    rules.map((rule) => `| \`${name}\` | ${cell(unescaped(rule))} |`),
  );
  const outputs = module.outputs.map(
    ({ name, description }) => `| \`${name}\` | ${cell(description)} |`,
  );
  return [
    ...table("Resources", ["File", "Types"], files),
    ...table("Inputs", ["Name", "Meaning", "Type", "Default"], inputs),
    ...table("What is refused", ["Input", "Why"], refusals),
    ...table("Outputs", ["Name", "Meaning"], outputs),
  ]
    .join("\n")
    .trimEnd()
    .concat("\n");
}

function table(title: string, heads: readonly string[], rows: readonly string[]): string[] {
  if (rows.length === 0) return [];
  const line = `| ${heads.map(() => "---").join(" | ")} |`;
  return [`## ${title}`, "", `| ${heads.join(" | ")} |`, line, ...rows, ""];
}

function cell(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*- /g, "<br>• ")
    .replace(/\s+/g, " ")
    .replaceAll("|", "\\|");
}

function shortType(type: string): string {
  const flat = type.replace(/\s+/g, " ");
  return flat.length <= 40 ? flat : `${flat.split("(")[0] ?? ""}(…)`;
}

function defaultOf(variable: VariableBlock): string {
  return "default" in variable ? `\`${JSON.stringify(variable.default)}\`` : "required";
}

function unescaped(text: string): string {
  return text.replaceAll('\\"', '"');
}
