import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import { checkMachine, type MachineCheck } from "@cloudphoenix/sandbox";
import type { Command } from "commander";
import type { CommandContext, Invocation } from "../command-context.ts";
import { connect, sandboxDirectory } from "../connection.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { FOLLOWS, type StatusDocument } from "../render/status-text.ts";

/** `cloudphoenix doctor`: what is in the way, before it is in the way. */
export function registerDoctor(program: Command, context: CommandContext): void {
  program
    .command("doctor")
    .description(
      "Check this machine and, if one answers, the controller; say what to do about each finding.",
    )
    .action(async (_options: unknown, command: Command) => {
      await context.invoke(command, async (invocation) => {
        const { terminal, options } = invocation;
        const checks = [
          ...(await checkMachine(sandboxDirectory(options))),
          await controllerCheck(invocation),
        ];
        const { green, red, dim } = terminal.paint;
        const lines = checks.flatMap(({ check, ok, detail, hint }) => [
          `${ok ? green("✓") : red("✗")} ${check}: ${detail}`,
          ...(hint === null ? [] : [`    ${dim("→")} ${hint}`]),
        ]);
        const failed = checks.filter((check) => !check.ok).length;
        terminal.result(
          { checks },
          [...lines, summary(failed, checks.includes(UNNAMED))].join("\n"),
        );
        return failed === 0 ? EXIT_CODES.done : EXIT_CODES.failed;
      });
    });
}

/** Before the first start there is nothing to check; in production that is easily taken for "all is well". */
const UNNAMED: MachineCheck = {
  check: "controller",
  ok: true,
  detail: "none was named and no sandbox runs here: production was NOT checked",
  hint: "Name it with --url and --token-file, or CLOUDPHOENIX_URL and CLOUDPHOENIX_TOKEN_FILE.",
};

function summary(failed: number, unnamed: boolean): string {
  if (failed > 0) return `${failed} findings.`;
  return unnamed
    ? "Nothing is in the way on this machine; no controller was checked."
    : "Nothing is in the way.";
}

/** No controller is fine before the first start; one that is not protected is a finding. */
async function controllerCheck({ options }: Invocation): Promise<MachineCheck> {
  const check = "controller";
  try {
    const api = await connect(options, process.env);
    const status = await api.send<StatusDocument>("/v1/status");
    if (status.controller.role === "follower") {
      return {
        check,
        ok: false,
        detail: `${api.url}: ${FOLLOWS}`,
        hint: "Name the leader with --url.",
      };
    }
    const { yes, why } = status.protected;
    const detail = `${api.url} runs ${status.application.name} at ${status.active}; ${why}`;
    return { check, ok: yes, detail, hint: yes ? null : "See `cloudphoenix explain`." };
  } catch (error) {
    if (hasCode(error, "NOT_RUNNING")) return UNNAMED;
    const hint = error instanceof CloudPhoenixError ? error.hint : undefined;
    return { check, ok: false, detail: messageOf(error), hint: hint ?? "See the message." };
  }
}
