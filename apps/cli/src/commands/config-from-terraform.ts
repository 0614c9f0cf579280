import { readFile } from "node:fs/promises";
import {
  configurationFromTerraform,
  parseDuration,
  readTerraformStack,
  renderProblems,
  type TerraformStack,
  validateConfiguration,
} from "@cloudphoenix/config";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import { type Command, InvalidArgumentError } from "commander";
import type { CommandContext } from "../command-context.ts";
import { EXIT_CODES } from "../exit-codes.ts";

interface Choices {
  readonly workload: readonly { readonly name: string; readonly replicas: number }[];
  readonly rto: string;
  readonly rpo: string;
  readonly secrets: string;
  readonly stateUrl?: string;
  readonly outsideAgent?: string;
  readonly canary: readonly string[];
}

/** `cloudphoenix config from-terraform`: a file that `config check` accepts, made from outputs. */
export function registerConfigFromTerraform(config: Command, context: CommandContext): void {
  config
    .command("from-terraform")
    .description(
      "Print a configuration made from the outputs of the Terraform stacks (`terraform output -json`), one file for each site.",
    )
    .argument("<outputs...>", "the output files, one for each stack")
    .requiredOption(
      "--workload <name=replicas>",
      "what runs at the active site (again for each)",
      workloadOf,
    )
    .option("--rto <duration>", "recovery time objective", durationOf, "2m")
    .option("--rpo <duration>", "recovery point objective", durationOf, "5s")
    .option("--secrets <folder>", "folder of the secret files", "secrets")
    .option("--state-url <url>", "PostgreSQL outside every site; adds the writer lease", stateUrlOf)
    .option("--outside-agent <url>", "agent that stands in neither cloud")
    .option("--canary <url>", "URL that depends on no site (again for each)", collected, [])
    .action(async (files: readonly string[], choices: Choices, command: Command) => {
      await context.invoke(command, async ({ terminal }) => {
        const stacks = await Promise.all(files.map(readStack));
        const text = configurationFromTerraform(stacks, {
          workloads: choices.workload,
          rto: choices.rto,
          rpo: choices.rpo,
          secrets: choices.secrets,
          stateUrl: choices.stateUrl ?? null,
          outsideAgent: choices.outsideAgent ?? null,
          canaries: choices.canary,
        });
        const validation = validateConfiguration(text, "cloudphoenix.yaml");
        if ("problems" in validation) {
          throw new CloudPhoenixError("CONFIG_INVALID", renderProblems(validation.problems), {
            retryable: false,
            hint: "Correct the variables of the stacks or the options given here, then try again.",
          });
        }
        const { warnings } = validation.configuration;
        if (warnings.length > 0) terminal.log("warn", renderProblems(warnings));
        terminal.result({ configuration: text, warnings }, text.trimEnd());
        return EXIT_CODES.done;
      });
    });
}

async function readStack(file: string): Promise<TerraformStack> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new CloudPhoenixError("CONFIG_UNREADABLE", `cannot read ${file}: ${messageOf(cause)}`, {
      retryable: false,
      hint: "Name the files that `terraform output -json` was written to.",
      cause,
    });
  });
  return readTerraformStack(text, file);
}

function workloadOf(text: string, earlier: Choices["workload"] = []): Choices["workload"] {
  const [, name, replicas] = /^([a-z0-9-]+)=(\d{1,4})$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("write for instance orders=3");
  return [...earlier, { name, replicas: Number(replicas) }];
}

function durationOf(text: string): string {
  if (parseDuration(text) !== null) return text;
  throw new InvalidArgumentError("write a number with a unit, for instance 5s");
}

function stateUrlOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.password === "") return text;
  throw new InvalidArgumentError("write a postgresql:// URL without a password");
}

function collected(text: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, text];
}
