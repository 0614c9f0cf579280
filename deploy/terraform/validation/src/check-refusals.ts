/** Every rule of a variable is seen refusing a bad value, in its own words. */
import type { Project } from "./projects.ts";
import { readModule } from "./read-hcl.ts";
import { refusedMessages } from "./refused-messages.ts";
import { TESTED_IN } from "./check-modules.ts";

/** Rules that no test makes refuse, and how many did. */
export async function checkRefusals(
  { name, path }: Project,
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly findings: readonly string[]; readonly refused: number }> {
  const { variables } = await readModule(path);
  const rules = variables
    .filter((variable) => (TESTED_IN[variable.name] ?? name) === name)
    .flatMap((variable) => variable.rules.map((rule) => ({ variable: variable.name, rule })));
  if (rules.length === 0) return { findings: [], refused: 0 };
  const said = await refusedMessages(path, environment);
  const silent = rules.filter(({ rule }) => !said.includes(spoken(rule)));
  return {
    findings: silent.map(
      ({ variable, rule }) =>
        `${name}: no test makes var.${variable} refuse a value with "${rule}"`,
    ),
    refused: rules.length - silent.length,
  };
}

/** A message as Terraform prints it. */
function spoken(rule: string): string {
  return rule.replaceAll('\\"', '"').replace(/\s+/g, " ");
}
