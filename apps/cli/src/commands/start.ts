import { attachWorld, openWorld, type World } from "@cloudphoenix/sandbox";
import type { Command } from "commander";
import type { CommandContext, Invocation } from "../command-context.ts";
import { sandboxDirectory } from "../connection.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { sandboxOptions, type SandboxChoices, withSandboxOptions } from "../sandbox-options.ts";

/** `cloudphoenix start`: the sandbox, left running until Ctrl-C. */
export function registerStart(program: Command, context: CommandContext): void {
  const command = program
    .command("start")
    .description(
      "Start the sandbox (two sites, links, controller) and leave it running until Ctrl-C.",
    );
  withSandboxOptions(command).action(async () => {
    await context.invoke(command, (invocation) => start(invocation, command.opts()));
  });
}

/** `cloudphoenix stop`: ends a sandbox that runs in another terminal. */
export function registerStop(program: Command, context: CommandContext): void {
  program
    .command("stop")
    .description("End the sandbox that runs in another terminal, with everything it started.")
    .action(async (_given: unknown, command: Command) => {
      await context.invoke(command, async ({ terminal, options }) => {
        const directory = sandboxDirectory(options);
        const world = await attachWorld({ name: options.name, directory });
        await world.stop();
        terminal.result({ stopped: options.name }, `Sandbox ${options.name} is ending.`);
        return EXIT_CODES.done;
      });
    });
}

async function start(invocation: Invocation, choices: SandboxChoices): Promise<ExitCode> {
  const { terminal, signal } = invocation;
  const world = await openWorld(sandboxOptions(invocation, choices));
  try {
    terminal.result({ name: world.name, home: world.home, urls: world.urls }, welcome(world));
    await Promise.race([world.stopAsked, aborted(signal)]);
    terminal.progress("Ending everything that was started …");
  } finally {
    await world.close();
  }
  return EXIT_CODES.done;
}

function welcome(world: World): string {
  const select = world.name === "default" ? "" : ` --name ${world.name}`;
  return [
    "",
    "Two sites are running and protected.",
    `  storefront   ${world.urls.storefront}`,
    `  application  ${world.urls.edge}/cloud-status`,
    `  controller   ${world.urls.controllers.join(", ")} (OpenAPI at /openapi.json)`,
    `  logs         ${world.logDirectory}`,
    "",
    "In another terminal:",
    `  npx cloudphoenix${select} status --watch`,
    `  npx cloudphoenix${select} break region-loss --yes`,
    `  npx cloudphoenix${select} explain`,
    "",
    "Ctrl-C ends everything.",
  ].join("\n");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
