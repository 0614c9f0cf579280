/** What can be checked without Terraform: the modules as text. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moduleReadme } from "./module-readme.ts";
import type { Project } from "./projects.ts";
import { readModule } from "./read-hcl.ts";
import { INDEX_FILE, resourceIndex } from "./resource-index.ts";
import { readSnapshots, typesInUse } from "./schemas/snapshot.ts";
import { terraformRoot } from "./terraform-root.ts";

/** Findings, and how many validation rules the modules have. */
export interface ModuleFindings {
  readonly findings: readonly string[];
  readonly rules: number;
}

/** Shared files that must be the same in every module of a cloud, byte for byte. */
const SHARED = [
  { file: "context.tf", of: /^modules\/(aws|azure)\// },
  { file: "versions.tf", of: /^modules\/aws\// },
  { file: "versions.tf", of: /^modules\/azure\// },
  { file: "resource-group.tf", of: /^modules\/azure\// },
];

/** Rules of a shared file are tested in one module; the file being the same makes it hold in all. */
export const TESTED_IN: Readonly<Record<string, string>> = {
  context: "modules/aws/kms",
  resource_group_name: "modules/azure/network",
};

/** Checks all projects; with `write`, READMEs are written instead of compared. */
export async function checkModules(
  projects: readonly Project[],
  write: boolean,
): Promise<ModuleFindings> {
  const each = await Promise.all(projects.map((project) => checkOne(project, write)));
  return {
    findings: [
      ...sharedFiles(projects),
      ...snapshotFindings(),
      ...indexFindings(await resourceIndex(projects), write),
      ...each.flatMap(({ findings }) => findings),
    ],
    rules: each.reduce((sum, { rules }) => sum + rules, 0),
  };
}

async function checkOne({ name, path }: Project, write: boolean): Promise<ModuleFindings> {
  const module = await readModule(path);
  const refusals = refusalsIn(join(path, "tests"));
  const untested = module.variables
    .filter((variable) => (TESTED_IN[variable.name] ?? name) === name)
    .filter((variable) => (refusals.get(variable.name) ?? 0) < variable.rules.length)
    .map(
      (variable) =>
        `${name}: var.${variable.name} has ${variable.rules.length} rules and ${refusals.get(variable.name) ?? 0} tests that refuse a bad value`,
    );
  const undescribed = [...module.variables, ...module.outputs]
    .filter(({ description }) => description.length < 10)
    .map((block) => `${name}: ${block.name} has no description`);
  const readme = join(path, "README.md");
  const text = moduleReadme(path, name, module);
  if (write) writeFileSync(readme, text);
  const stale =
    existsSync(readme) && readFileSync(readme, "utf8") === text
      ? []
      : [`${name}/README.md is not current: npm run validate:terraform -- --write`];
  const rules = module.variables
    .filter((variable) => (TESTED_IN[variable.name] ?? name) === name)
    .reduce((sum, variable) => sum + variable.rules.length, 0);
  return { findings: [...untested, ...undescribed, ...stale], rules };
}

function indexFindings(text: string, write: boolean): readonly string[] {
  if (write) writeFileSync(INDEX_FILE, text);
  return existsSync(INDEX_FILE) && readFileSync(INDEX_FILE, "utf8") === text
    ? []
    : ["RESOURCES.md is not current: npm run validate:terraform -- --write"];
}

/** How many runs expect each variable to be refused. */
function refusalsIn(folder: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".tftest.hcl"))) {
    const text = readFileSync(join(folder, file), "utf8");
    for (const match of text.matchAll(/expect_failures = \[var\.(\w+)\]/g)) {
      counts.set(match[1] ?? "", (counts.get(match[1] ?? "") ?? 0) + 1);
    }
  }
  return counts;
}

function sharedFiles(projects: readonly Project[]): readonly string[] {
  return SHARED.flatMap(({ file, of }) => {
    const members = projects.filter(({ name }) => of.test(`${name}/`));
    const texts = members.map(({ path }) => readFileSync(join(path, file), "utf8"));
    return members
      .filter((_, index) => texts[index] !== texts[0])
      .map(({ name }) => `${name}/${file} differs from ${members[0]?.name ?? ""}/${file}`);
  });
}

function snapshotFindings(): readonly string[] {
  const known = new Set(
    readSnapshots().flatMap((schema) => [
      ...Object.keys(schema.resource_schemas),
      ...Object.keys(schema.data_source_schemas).map((type) => `data.${type}`),
    ]),
  );
  const missing = [...typesInUse()]
    .filter((type) => !known.has(type))
    .map((type) => `the schema snapshot lacks ${type}: run src/schemas/make-snapshot.ts`);
  return [...missing, ...versionFindings()];
}

/** The bounds in `versions.tf` must include the version whose schema is used. */
function versionFindings(): readonly string[] {
  return readSnapshots().flatMap(({ source }) => {
    const provider = source.name.split("/").at(-1) ?? "";
    const folder = provider === "azurerm" ? "azure" : provider;
    const text = readFileSync(join(terraformRoot, "stacks", folder, "versions.tf"), "utf8");
    const bounds = /version = ">= ([\d.]+), < ([\d.]+)"/.exec(
      text.slice(text.indexOf("required_providers")),
    );
    const [, low = "", high = ""] = bounds ?? [];
    return compare(source.version, low) >= 0 && compare(source.version, high) < 0
      ? []
      : [`${provider}: versions.tf asks for ${low} to ${high}, the snapshot is ${source.version}`];
  });
}

function compare(left: string, right: string): number {
  return left.localeCompare(right, "en", { numeric: true });
}
