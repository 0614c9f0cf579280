import { CloudPhoenixError, type LossReport } from "@cloudphoenix/core";
import type { Command } from "commander";
import { randomUUID } from "node:crypto";
import type { ApiClient } from "../api-client.ts";
import type { CommandContext, Invocation } from "../command-context.ts";
import { connect } from "../connection.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { approveCommand } from "../render/next-commands.ts";
import { eventLines, lossLines, type RunView, runText, waitingText } from "../render/run-text.ts";
import { followRun } from "../follow-run.ts";
import { operatorName } from "../operator-name.ts";

interface Given {
  readonly by?: string;
  readonly comment?: string;
  readonly question?: string;
  readonly reason?: string;
  readonly journal?: boolean;
  readonly follow?: boolean;
  readonly abandon?: boolean;
}

/** `cloudphoenix run …`: look at one run and tell it what to do. */
export function registerRun(program: Command, context: CommandContext): void {
  const run = program.command("run").description("Look at one run and tell it what to do.");
  registerShow(run, context);
  registerLoss(run, context);
  registerOrder(run, context, {
    verb: "approve",
    description: "Approve the question you saw, in your name.",
    options: [
      ["--question <number>", "the question you approve, as `run show` numbers it"],
      ["--comment <text>", "why you approve; kept in the audit log"],
    ],
  });
  registerOrder(run, context, {
    verb: "pause",
    description: "Stop before the next step until `run resume`.",
    options: [],
  });
  registerOrder(run, context, {
    verb: "resume",
    description: "Go on after `run pause`.",
    options: [],
  });
  registerOrder(run, context, {
    verb: "cancel",
    description: "End the run and undo what it did, newest step first.",
    options: [
      [
        "--abandon",
        "also if the site it leaves does not answer, so that nobody could write afterwards",
      ],
    ],
    reason: true,
  });
  registerOrder(run, context, {
    verb: "retry",
    description: "Try a failed step again.",
    options: [],
    step: true,
  });
  registerOrder(run, context, {
    verb: "skip",
    description: "Go on without a failed step.",
    options: [],
    step: true,
    reason: true,
  });
}

function registerShow(run: Command, context: CommandContext): void {
  run
    .command("show <run>")
    .description("Show the steps of a run, what it waits for and what to type next.")
    .option("--journal", "also print every event")
    .option("--follow", "stay until the run has ended")
    .action(async (id: string, given: Given, command: Command) => {
      await context.invoke(command, async (invocation) => {
        const api = await connect(invocation.options, process.env);
        if (given.follow === true) return await followRun(api, id, invocation);
        const view = await api.send<RunView>(`/v1/runs/${encodeURIComponent(id)}`);
        const journal = given.journal === true ? ["", ...eventLines(view.events)] : [];
        const text = [runText(view, invocation.terminal.paint), ...journal].join("\n");
        invocation.terminal.result(view, text);
        return EXIT_CODES.done;
      });
    });
}

const LOSS_WITHIN_MS = 70_000;

function registerLoss(run: Command, context: CommandContext): void {
  run
    .command("loss <run>")
    .description(
      "Read from the returned old primary exactly what a finished move lost, and keep it with the run.",
    )
    .option("--by <name>", "in whose name (default: your login name)")
    .action(async (id: string, given: Given, command: Command) => {
      await context.invoke(command, async ({ terminal, options }) => {
        const api = await connect(options, process.env);
        const loss = await api.send<LossReport>(`/v1/runs/${encodeURIComponent(id)}/loss`, {
          method: "POST",
          body: { by: operatorName(given.by) },
          timeoutMs: LOSS_WITHIN_MS,
        });
        terminal.result(loss, lossLines(loss).join("\n"));
        return EXIT_CODES.done;
      });
    });
}

interface Order {
  readonly verb: "approve" | "pause" | "resume" | "cancel" | "retry" | "skip";
  readonly description: string;
  readonly options: readonly (readonly [flags: string, description: string])[];
  readonly step?: boolean;
  readonly reason?: boolean;
}

function registerOrder(run: Command, context: CommandContext, order: Order): void {
  const command = run
    .command(`${order.verb} <run>${order.step === true ? " <step>" : ""}`)
    .description(order.description)
    .option("--by <name>", "in whose name (default: your login name)");
  if (order.reason === true)
    command.requiredOption("--reason <text>", "why; kept in the audit log");
  for (const [flags, description] of order.options) command.option(flags, description);
  command.action(async (...received: unknown[]) => {
    const id = String(received[0]);
    const step = order.step === true ? String(received[1]) : undefined;
    await context.invoke(command, (invocation) =>
      sendOrder(invocation, command.opts<Given>(), { order, id, step }),
    );
  });
}

async function sendOrder(
  { terminal, options }: Invocation,
  given: Given,
  {
    order,
    id,
    step,
  }: { readonly order: Order; readonly id: string; readonly step: string | undefined },
): Promise<ExitCode> {
  const api = await connect(options, process.env);
  const question = order.verb === "approve" ? await questionOf(api, id, given) : null;
  const answer = await api.send<RunView>(`/v1/runs/${encodeURIComponent(id)}/${order.verb}`, {
    method: "POST",
    idempotencyKey: randomUUID(),
    body: {
      by: operatorName(given.by),
      ...(question === null ? {} : { question }),
      ...(given.comment === undefined ? {} : { comment: given.comment }),
      ...(given.reason === undefined ? {} : { reason: given.reason }),
      ...(given.abandon === true ? { abandon: true } : {}),
      ...(step === undefined ? {} : { step }),
    },
  });
  const what = question === null ? order.verb : `approve question ${question}`;
  terminal.result(
    answer,
    `Sent to run ${id}: ${what}. Whether it obeys: cloudphoenix run show ${id}`,
  );
  return EXIT_CODES.done;
}

/**
 * The number somebody approves. Nobody approves what they have not read, so it is never guessed.
 * @throws {CloudPhoenixError} `APPROVAL_REQUIRED` with the open question if none was named
 */
async function questionOf(api: ApiClient, id: string, given: Given): Promise<number> {
  if (given.question !== undefined) return Number(given.question);
  const { run } = await api.send<RunView>(`/v1/runs/${encodeURIComponent(id)}`);
  const asks = run.question === null ? `it asks nothing now (${run.status})` : waitingText(run);
  throw new CloudPhoenixError(
    "APPROVAL_REQUIRED",
    `which question of run ${id} do you approve? ${asks}`,
    {
      retryable: false,
      hint:
        run.question === null
          ? `See what it does: cloudphoenix run show ${id}`
          : `If you agree: cloudphoenix ${approveCommand(run)}`,
    },
  );
}
