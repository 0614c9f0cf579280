/**
 * The command line for what was typed. A command that is named first is loaded alone if it is listed
 * here: a sync or a worker need not wait for the sandbox, the databases and their clients to load.
 */
import type { Command } from "commander";
import { bareProgram } from "./bare-program.ts";
import type { CommandContext } from "./command-context.ts";
import { keepHeapSmall } from "./small-heap.ts";

type Register = (program: Command, context: CommandContext) => void;

const LOADED_ALONE: ReadonlyMap<string, () => Promise<Register>> = new Map([
  ["sync", async () => (await import("./commands/sync.ts")).registerSync],
  ["worker", async () => (await import("./commands/worker.ts")).registerWorker],
  ["version", async () => (await import("./commands/version.ts")).registerVersion],
]);

/** `argv` as Node.js gives it. Anything not known here gets the whole program, with help and suggestions. */
export async function loadProgram(
  argv: readonly string[],
  context: CommandContext,
): Promise<Command> {
  const load = LOADED_ALONE.get(argv[2] ?? "");
  if (load === undefined) return (await import("./program.ts")).buildProgram(context);
  // Before anything large is loaded: a heap that has grown does not shrink.
  keepHeapSmall();
  const program = bareProgram();
  (await load())(program, context);
  return program;
}
