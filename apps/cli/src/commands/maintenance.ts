import type { Command } from "commander";
import { randomUUID } from "node:crypto";
import type { CommandContext, Invocation } from "../command-context.ts";
import { connect } from "../connection.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { operatorName } from "../operator-name.ts";

interface Given {
  readonly reason: string;
  readonly by?: string;
}

/** `cloudphoenix maintenance …`: keep CloudPhoenix from acting by itself, and let it again. */
export function registerMaintenance(program: Command, context: CommandContext): void {
  const maintenance = program
    .command("maintenance")
    .description("Switch automatic action off while people work on a site, and on again.");
  registerSwitch(maintenance, context, {
    name: "on",
    description:
      "Begin maintenance: no move and no heal starts by itself until it ends. Runs under way go on, people may order any.",
  });
  registerSwitch(maintenance, context, {
    name: "off",
    description: "End maintenance: what the policy allows starts by itself again.",
  });
}

function registerSwitch(
  maintenance: Command,
  context: CommandContext,
  { name, description }: { readonly name: "on" | "off"; readonly description: string },
): void {
  const command = maintenance
    .command(name)
    .description(description)
    .requiredOption("--reason <text>", "why; shown by `status`, kept in the audit log")
    .option("--by <name>", "in whose name (default: your login name)");
  command.action(async () => {
    await context.invoke(command, (invocation) =>
      switchTo(name === "on", command.opts<Given>(), invocation),
    );
  });
}

async function switchTo(
  on: boolean,
  { reason, by }: Given,
  { terminal, options }: Invocation,
): Promise<ExitCode> {
  const api = await connect(options, process.env);
  const answer = await api.send<{ maintenance: string | null }>("/v1/maintenance", {
    method: "PUT",
    idempotencyKey: randomUUID(),
    body: { on, reason, by: operatorName(by) },
  });
  terminal.result(
    answer,
    answer.maintenance === null
      ? "Maintenance has ended: CloudPhoenix acts by itself again, as the policy allows."
      : `Automatic action is off (${answer.maintenance}): if a site fails now, nothing moves until a person orders it. End it: cloudphoenix maintenance off --reason "…"`,
  );
  return EXIT_CODES.done;
}
