import { loadConfiguration } from "@cloudphoenix/config";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { SeedProgress, Worker, WorkerOptions } from "@cloudphoenix/worker";
import type { Command } from "commander";
import type { CommandContext, Invocation } from "../command-context.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { workerBandwidthOf } from "../objects/quantities.ts";
import { seedProgressText, seedText } from "../render/seed-text.ts";

interface RunChoices {
  readonly listen?: string;
  readonly bandwidth?: number;
  readonly slots?: string;
  readonly follow: boolean;
}

interface SeedChoices {
  readonly seed: string;
  readonly bandwidth?: number;
  readonly slots?: string;
  readonly rangeObjects?: string;
}

const BANDWIDTH =
  "bytes per second at most, for instance 20MiB (default: `objects.bandwidth` in the configuration)";
const SLOTS = "ranges copied at the same time by this process, 0 to 64 (default: 2)";

/** `cloudphoenix worker`: a process that copies objects, beside any number of others. */
export function registerWorker(program: Command, context: CommandContext): void {
  const worker = program
    .command("worker")
    .description("Copy objects as the configuration says, beside any number of other workers.");
  worker
    .command("run", { isDefault: true })
    .description(
      "Work until Ctrl-C: follow the active site's objects, and do what plans and seeds ask for.",
    )
    .option("--listen <host:port>", "where /live, /ready and /metrics answer (default: nowhere)")
    .option("--slots <count>", SLOTS)
    .option("--bandwidth <size>", BANDWIDTH, workerBandwidthOf)
    .option("--no-follow", "leave following the active site to other workers")
    .action(async (choices: RunChoices, command: Command) => {
      await context.invoke(command, (invocation) => run(invocation, choices));
    });
  worker
    .command("seed")
    .description(
      "Bring every object of the active site to the standby, shared among all workers; show how far it is.",
    )
    .requiredOption(
      "--seed <name>",
      "names the seed: the same name goes on with it, until the application moves",
    )
    .option("--slots <count>", `${SLOTS}; 0 only watches`)
    .option("--bandwidth <size>", BANDWIDTH, workerBandwidthOf)
    .option("--range-objects <count>", "objects per range (default: 5000)")
    .action(async (choices: SeedChoices, command: Command) => {
      await context.invoke(command, (invocation) => seed(invocation, choices));
    });
}

async function run(invocation: Invocation, choices: RunChoices): Promise<ExitCode> {
  const { terminal, signal } = invocation;
  const { readListen } = await import("@cloudphoenix/worker");
  const listen = choices.listen === undefined ? null : readListen(choices.listen);
  const worker = await started(invocation, {
    listen,
    slots: await slotsOf(choices),
    bytesPerSecond: choices.bandwidth ?? null,
    follow: choices.follow,
  });
  try {
    const at = worker.url === null ? "" : ` It answers at ${worker.url}.`;
    terminal.progress(`Working until Ctrl-C.${at}`);
    await aborted(signal);
    terminal.progress("Giving back what is under way …");
  } finally {
    await worker.close();
  }
  return EXIT_CODES.done;
}

async function seed(invocation: Invocation, choices: SeedChoices): Promise<ExitCode> {
  const { terminal, signal } = invocation;
  const rangeObjects = rangeObjectsOf(choices);
  const worker = await started(invocation, {
    listen: null,
    slots: await slotsOf(choices),
    bytesPerSecond: choices.bandwidth ?? null,
    follow: false,
  });
  let said = "";
  const onProgress = (progress: SeedProgress): void => {
    const text = seedProgressText(progress);
    if (text !== said) terminal.progress(text);
    said = text;
  };
  try {
    const { seed: name } = choices;
    const done = await worker.seed({ name, onProgress, signal, ...rangeObjects });
    terminal.result(done, seedText(done));
    if (done.ranges["set-aside"] > 0) return EXIT_CODES.failed;
    return done.failed > 0 ? EXIT_CODES.needsPerson : EXIT_CODES.done;
  } finally {
    await worker.close();
  }
}

/** Standard output is for results: the log goes to standard error, or where the global option says. */
async function started({ options }: Invocation, more: Omit<WorkerOptions, "log">): Promise<Worker> {
  if (options.config === undefined) {
    throw new CloudPhoenixError("BAD_REQUEST", "--config is missing", {
      retryable: false,
      hint: "Name the configuration file that the controller uses.",
    });
  }
  // Loaded only now: other commands need neither the clients of two clouds nor a database driver.
  const [{ startWorker }, { LOG_LEVELS, openLog }] = await Promise.all([
    import("@cloudphoenix/worker"),
    import("@cloudphoenix/process"),
  ]);
  const configuration = await loadConfiguration(options.config, { environment: process.env });
  const level = LOG_LEVELS.find((one) => one === options.logLevel) ?? "info";
  const log = openLog({
    level,
    file: options.logFile ?? null,
    fd: 2,
    base: { service: "worker" },
  });
  return startWorker(configuration, { log, ...more });
}

async function slotsOf({ slots }: { readonly slots?: string }): Promise<number> {
  const { readSlots, SLOTS_DEFAULT } = await import("@cloudphoenix/worker");
  return slots === undefined ? SLOTS_DEFAULT : readSlots(slots);
}

function rangeObjectsOf({ rangeObjects }: SeedChoices): { readonly rangeObjects?: number } {
  if (rangeObjects === undefined) return {};
  const objects = Number(rangeObjects);
  if (/^\d{1,9}$/u.test(rangeObjects) && objects > 0) return { rangeObjects: objects };
  throw new CloudPhoenixError("BAD_REQUEST", `--range-objects ${rangeObjects} is not a number`, {
    retryable: false,
    hint: "Give the number of objects per range, for instance 5000.",
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
