import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { connect } from "../connection.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { type StatusDocument, statusText } from "../render/status-text.ts";

const WATCH_INTERVAL_MS = 1_000;

/** `cloudphoenix status`: the one screen. */
export function registerStatus(program: Command, context: CommandContext): void {
  program
    .command("status")
    .description(
      "Show where the application runs, how healthy each site is, and whether it could move now.",
    )
    .option("--watch", "redraw every second until Ctrl-C")
    .action(async (given: { watch?: boolean }, command: Command) => {
      await context.invoke(command, async ({ terminal, options, signal }) => {
        const api = await connect(options, process.env);
        for (;;) {
          const status = await api.send<StatusDocument>("/v1/status");
          const text = statusText(status, terminal.paint);
          if (given.watch !== true) {
            terminal.result(status, text);
            return EXIT_CODES.done;
          }
          terminal.redraw(text);
          await sleep(WATCH_INTERVAL_MS, undefined, { signal });
        }
      });
    });
}
