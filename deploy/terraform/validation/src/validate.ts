/**
 * `npm run validate:terraform`: fmt, validate, test and the policies for every module, stack and example.
 * With `--write` the READMEs of the modules are written first. Without a terraform binary the parts that
 * need one are skipped by name; under CI=true that is an error.
 */
import { checkConfiguration } from "./check-configuration.ts";
import { checkFixtures } from "./check-fixtures.ts";
import { checkModules } from "./check-modules.ts";
import { checkRefusals } from "./check-refusals.ts";
import { checkPolicies, policyCount } from "./policies/check-policies.ts";
import { outputsOf } from "./outputs-of.ts";
import { listExamples, listProjects, type Project } from "./projects.ts";
import { serveSchemas } from "./schemas/serve-schemas.ts";
import { readSnapshots } from "./schemas/snapshot.ts";
import { openWorkspace, runTests, terraformVersion, validate } from "./terraform-command.ts";
import { terraformRoot } from "./terraform-root.ts";

const write = process.argv.includes("--write");
const only = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const projects = listProjects();
const chosen = projects.filter(
  ({ name }) => only.length === 0 || only.some((part) => name.includes(part)),
);

const findings: string[] = [];
if (chosen.length === 0 && !only.includes("fixtures")) {
  findings.push(`nothing here is called ${only.join(" or ")}`);
}
const counts = { validations: 0, tests: 0, examples: 0, plans: 0, refused: 0, planted: 0 };
/** Outputs of the examples, by example and cloud. */
const outputs: Record<string, Record<string, unknown>> = {};

const text = await checkModules(projects, write);
findings.push(...text.findings);

const version = await terraformVersion();
if (version === null) {
  const skipped = `terraform not found: ${projects.length} validations and the tests of all modules not run`;
  if (process.env["CI"] === "true") findings.push(skipped);
  else console.log(`skipped: ${skipped}`);
} else {
  await withTerraform();
}

report();

async function withTerraform(): Promise<void> {
  const schemas = readSnapshots();
  const served = await serveSchemas(schemas);
  try {
    findings.push(...(await formatting(served.environment)));
    for (const project of chosen) await validateProject(project, served.environment);
    await configurations();
    if (only.length > 0 && !only.includes("fixtures")) return;
    const fixtures = await checkFixtures(served.environment);
    counts.planted = fixtures.planted;
    findings.push(...fixtures.findings);
    console.log(
      `fixtures: ${fixtures.planted} planted mistakes, ${fixtures.planted - fixtures.findings.length} refused by name`,
    );
  } finally {
    served.close();
  }
  const providers = schemas.map(
    ({ source }) => `${source.name.split("/").at(-1) ?? ""} ${source.version}`,
  );
  console.log(`terraform ${version}, schemas of ${providers.join(" and ")}; mocked, never applied`);
}

async function formatting(environment: Readonly<Record<string, string>>): Promise<string[]> {
  const workspace = await openWorkspace(terraformRoot, environment);
  const { stdout } = await workspace.run(["fmt", "-check", "-recursive", "-no-color", "."]);
  workspace.dispose();
  return stdout
    .split("\n")
    .filter((line) => /\.(tf|tfvars|hcl)$/.test(line))
    .map((file) => `${file} is not formatted: terraform fmt -recursive deploy/terraform`);
}

async function validateProject(
  { name, path }: Project,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const workspace = await openWorkspace(path, environment);
  try {
    const found = await validate(workspace);
    findings.push(...found.map((finding) => `${name}: ${finding}`));
    counts.validations += 1;
    if (found.length > 0) return;
    const isStack = name.startsWith("stacks/");
    await test(name, workspace, isStack ? ["-verbose"] : []);
    const refusals = await checkRefusals({ name, path }, environment);
    counts.refused += refusals.refused;
    findings.push(...refusals.findings);
    const cloud = /^stacks\/(aws|azure)$/.exec(name)?.[1];
    if (cloud === undefined) return;
    for (const example of listExamples()) {
      const file = `../../examples/${example}/${cloud}.tfvars`;
      const args = ["-verbose", "-test-directory=tests/examples", `-var-file=${file}`];
      const shown = await test(`examples/${example}/${cloud}.tfvars`, workspace, args);
      outputs[example] = { ...outputs[example], [cloud]: outputsOf(shown) };
      counts.examples += 1;
    }
  } finally {
    workspace.dispose();
  }
}

async function test(
  name: string,
  workspace: Parameters<typeof runTests>[0],
  args: readonly string[],
): Promise<readonly unknown[]> {
  const result = await runTests(workspace, args);
  counts.tests += result.passed;
  findings.push(...result.errors.map((error) => `${name}: ${error}`));
  if (result.failed > 0 && result.errors.length === 0) {
    findings.push(`${name}: ${result.failed} tests failed`);
  }
  for (const shown of result.resources) {
    counts.plans += 1;
    findings.push(...checkPolicies(shown).map((finding) => `${name}: ${finding}`));
  }
  console.log(`${name}: ${result.passed} tests passed`);
  return result.resources;
}

/** Each example whose stacks both ran, made into a configuration by the command itself. */
async function configurations(): Promise<void> {
  for (const [example, byCloud] of Object.entries(outputs)) {
    if (Object.keys(byCloud).length < 2) continue;
    const found = await checkConfiguration(byCloud);
    findings.push(...found.map((finding) => `examples/${example}: ${finding}`));
    if (found.length > 0) continue;
    console.log(`examples/${example}: outputs of both stacks make a configuration that is valid`);
  }
}

function report(): void {
  const unique = [...new Set(findings)];
  for (const finding of unique) console.error(finding);
  console.log(
    `${counts.validations} validations, ${counts.tests} tests, ${text.rules} rules of variables (${counts.refused} of them seen refusing, each in its own words), ${counts.examples} examples, ${policyCount} policies on ${counts.plans} plans, ${counts.planted} planted mistakes: ${unique.length} findings`,
  );
  if (unique.length > 0) process.exitCode = 1;
}
