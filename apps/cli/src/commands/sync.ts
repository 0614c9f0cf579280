import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { CloudPhoenixError, locationsOverlap } from "@cloudphoenix/core";
import {
  DEFAULT_DELETE_RULES,
  DEFAULT_LIMITS,
  nameFilter,
  type ServerSideMode,
  type Surroundings,
  SyncState,
  type SyncSummary,
  syncObjects,
  verifyObjects,
} from "@cloudphoenix/objects";
import { type Command, Option } from "commander";
import type { CommandContext, Invocation } from "../command-context.ts";
import { EXIT_CODES, type ExitCode, exitCodeOf } from "../exit-codes.ts";
import { type OpenPlace, openPlace, parseObjectAddress } from "@cloudphoenix/stores";
import { ProgressDisplay } from "../objects/progress-display.ts";
import { deleteRules, refuseNonsense, type SyncChoices } from "../objects/sync-choices.ts";
import {
  bytesOf,
  concurrencyOf,
  deleteLimitOf,
  durationOf,
  shareOf,
} from "../objects/quantities.ts";
import { progressText, syncText, verifyProgressText, verifyText } from "../render/sync-text.ts";

/** Gathers an option that may be repeated. */
function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** `cloudphoenix sync`: makes one place hold what another holds, or compares them. */
export function registerSync(program: Command, context: CommandContext): void {
  program
    .command("sync")
    .description(
      "Copy objects from one place to another until both hold the same: S3 and Azure Blob, either direction. Run again at any time, it goes on.",
    )
    .argument("<source>", "s3://bucket/prefix?region=… or azblob://account/container/prefix")
    .argument(
      "<target>",
      "the same forms; ?endpoint=… for another server, ?credentials-file=… for keys",
    )
    .option("--dry-run", "say what would be copied; change nothing")
    .option("--verify", "copy nothing: compare both sides, every hash; exit code 1 if they differ")
    .option("--read-everything", "with --verify: believe no stored hash, read every byte")
    .option(
      "--sample <share>",
      "with --verify: compare the content of a part, 5% for instance",
      shareOf,
    )
    .option("--include <pattern>", "only names like this; may be repeated", collect, [])
    .option(
      "--exclude <pattern>",
      "no names like this; may be repeated, wins over --include",
      collect,
      [],
    )
    .option("--delete", "delete copies whose original has been gone for long enough")
    .option(
      "--delete-after <time>",
      "how long (default: 15m)",
      durationOf,
      DEFAULT_DELETE_RULES.delayMs,
    )
    .option(
      "--max-delete <limit>",
      "delete nothing if it were more, as 500, 10% or 500,10% (default: 10000,10%)",
      deleteLimitOf,
    )
    .option("--delete-foreign", "with --delete: also what no copy of ours put there")
    .option("--allow-empty-source", "with --delete: believe a source that is empty and was not")
    .option(
      "--bandwidth <rate>",
      "at most so many bytes per second through this machine, 20MiB for instance",
      bytesOf,
    )
    .addOption(serverSideCopyOption())
    .option(
      "--concurrency <count>",
      `small objects at once, at most (default: ${DEFAULT_LIMITS.smallInFlight})`,
      concurrencyOf,
    )
    .addOption(memoryOption())
    .option("--state-dir <folder>", "where it remembers (default: .cloudphoenix/sync)")
    .action(async (source: string, target: string, choices: SyncChoices, command: Command) => {
      await context.invoke(command, (invocation) => run({ source, target, choices }, invocation));
    });
}

function memoryOption(): Option {
  const help =
    "bodies in memory at once, at most (default: 64MiB); what is 10,000 times as large does not go to S3";
  return new Option("--memory <size>", help).argParser(bytesOf);
}

function serverSideCopyOption(): Option {
  const help = "whether the target reads objects from their source itself (Blob, from S3)";
  const choices: readonly ServerSideMode[] = ["auto", "always", "never"];
  return new Option("--server-side-copy <when>", help).choices(choices).default("auto");
}

interface SyncCommand {
  readonly source: string;
  readonly target: string;
  readonly choices: SyncChoices;
}

async function run(command: SyncCommand, invocation: Invocation): Promise<ExitCode> {
  const { choices } = command;
  refuseNonsense(choices);
  const addresses = [
    parseObjectAddress(command.source),
    parseObjectAddress(command.target),
  ] as const;
  const source = await openPlace(addresses[0], process.env);
  const target = await openPlace(addresses[1], process.env);
  try {
    refuseOverlap(source, target);
    const pair = { source, target };
    if (choices.serverSideCopy === "always") refuseOneSided(pair);
    await preflight(pair, invocation);
    return await (choices.verify === true
      ? verify(pair, choices, invocation)
      : copy(pair, choices, invocation));
  } finally {
    source.close();
    target.close();
  }
}

interface Pair {
  readonly source: OpenPlace;
  readonly target: OpenPlace;
}

async function copy(pair: Pair, choices: SyncChoices, invocation: Invocation): Promise<ExitCode> {
  const { terminal, options, signal } = invocation;
  const display = new ProgressDisplay(terminal, Date.now, options.quiet ?? false);
  const deletes = deleteRules(choices);
  const includes = nameFilter(choices);
  const state = openState(pair, choices, options.dir);
  try {
    const summary = await syncObjects({
      ...pair,
      surroundings: surroundings(),
      journal: state.journal,
      tombstones: state.tombstones,
      signal,
      dryRun: choices.dryRun ?? false,
      limits: {
        ...(choices.bandwidth === undefined ? {} : { bytesPerSecond: choices.bandwidth }),
        ...(choices.memory === undefined ? {} : { memoryBytes: choices.memory }),
        ...(choices.concurrency === undefined ? {} : { smallInFlight: choices.concurrency }),
      },
      serverSide: { mode: choices.serverSideCopy },
      ...(deletes === null ? {} : { deletes }),
      ...(includes === undefined ? {} : { includes }),
      onEvent: (event, progress) => {
        display.update(() => progressText(progress()));
        if (event.kind === "failed") {
          display.note(`${event.failure.name}: ${event.failure.code}: ${event.failure.message}`);
        } else if (event.kind === "serverSideGivenUp") {
          display.note(`The target cannot read the source itself (${event.because}): streaming.`);
        } else if (event.kind === "retry") terminal.log("debug", event.message);
        else terminal.log("debug", `${event.kind}: ${event.name}`);
      },
    });
    display.clear();
    const { sourceObjects, targetObjects } = summary.progress;
    if (sourceObjects + targetObjects === 0) warnOfPatterns(choices, terminal);
    terminal.result(summary, syncText(summary));
    return exitCodeOfSync(summary);
  } finally {
    state.close();
  }
}

async function verify(pair: Pair, choices: SyncChoices, invocation: Invocation): Promise<ExitCode> {
  const { terminal, options, signal } = invocation;
  const display = new ProgressDisplay(terminal, Date.now, options.quiet ?? false);
  const includes = nameFilter(choices);
  const summary = await verifyObjects({
    ...pair,
    surroundings: surroundings(),
    signal,
    ...(includes === undefined ? {} : { includes }),
    ...(choices.sample === undefined ? {} : { sample: choices.sample }),
    ...(choices.bandwidth === undefined ? {} : { bytesPerSecond: choices.bandwidth }),
    readEverything: choices.readEverything ?? false,
    onProgress: (progress) => display.update(() => verifyProgressText(progress)),
  });
  display.clear();
  if (summary.progress.looked === 0) warnOfPatterns(choices, terminal);
  terminal.result(summary, verifyText(summary));
  if (summary.outcome === "same") return EXIT_CODES.done;
  if (summary.outcome === "interrupted") return EXIT_CODES.interrupted;
  return summary.stoppedBy === null ? EXIT_CODES.failed : exitCodeOf(summary.stoppedBy.code);
}

/** A mistake in a pattern looks like success. */
function warnOfPatterns({ include, exclude }: SyncChoices, terminal: Invocation["terminal"]): void {
  if (include.length + exclude.length === 0) return;
  terminal.log("warn", "! No name on either side takes part: look at --include and --exclude.");
}

const EXIT_CODE_OF_OUTCOME: Readonly<Record<SyncSummary["outcome"], ExitCode>> = {
  done: EXIT_CODES.done,
  failures: EXIT_CODES.failed,
  refused: EXIT_CODES.needsPerson,
  stopped: EXIT_CODES.failed,
  interrupted: EXIT_CODES.interrupted,
};

function exitCodeOfSync({ outcome, stoppedBy }: SyncSummary): ExitCode {
  if (stoppedBy !== null) return exitCodeOf(stoppedBy.code);
  return EXIT_CODE_OF_OUTCOME[outcome];
}

/** One file per pair of places, so that pairs do not wait for each other. */
function openState(
  { source, target }: Pair,
  choices: SyncChoices,
  dir: string | undefined,
): SyncState {
  const pair = `${source.identity} -> ${target.identity}`;
  // Looking needs no memory, leaves nothing behind and waits for nobody.
  if (choices.dryRun === true) return SyncState.open({ path: ":memory:", pair });
  const folder = resolve(choices.stateDir ?? join(dir ?? ".cloudphoenix", "sync"));
  const name = createHash("sha256").update(pair).digest("hex").slice(0, 16);
  return SyncState.open({ path: join(folder, `${name}.sqlite`), pair });
}

function surroundings(): Surroundings {
  return {
    clock: {
      now: Date.now,
      sleep: async (ms, signal) => {
        await pass(ms, undefined, signal === undefined ? {} : { signal }).catch(
          (cause: unknown) => {
            throw new CloudPhoenixError("ABORTED", "the wait was aborted", {
              retryable: true,
              cause,
            });
          },
        );
      },
    },
    random: { next: Math.random },
  };
}

/** @throws {CloudPhoenixError} `CONFLICT`, naming everything that stands in the way */
async function preflight(pair: Pair, { terminal, signal }: Invocation): Promise<void> {
  const [source, target] = await Promise.all([
    pair.source.store.inspect(signal),
    pair.target.store.inspect(signal),
  ]);
  const worthSaying = [
    ...source.filter(({ asSource }) => asSource === true),
    ...target.filter(({ asSource }) => asSource !== true),
  ];
  for (const { severity, message, hint } of worthSaying) {
    if (severity === "warn") terminal.log("warn", `! ${message}. ${hint}`);
  }
  const findings = [...source, ...target];
  const blockers = findings.filter(({ severity }) => severity === "refuse");
  if (blockers.length === 0) return;
  throw new CloudPhoenixError("CONFLICT", blockers.map(({ message }) => message).join("; "), {
    retryable: false,
    hint: blockers.map(({ hint }) => hint).join(" "),
  });
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` if no object could ever be copied by the target itself */
function refuseOneSided({ source, target }: Pair): void {
  if (source.store.readUrl !== undefined && target.store.capabilities.urlCopy !== null) return;
  const message = "--server-side-copy always: these two stores cannot do it";
  throw new CloudPhoenixError("BAD_REQUEST", message, {
    retryable: false,
    hint: "Leave the option out: everything is then streamed. Only Blob reads from S3 by itself.",
  });
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` */
function refuseOverlap(source: OpenPlace, target: OpenPlace): void {
  if (!locationsOverlap(source.location, target.location)) return;
  throw new CloudPhoenixError("BAD_REQUEST", "source and target overlap", {
    retryable: false,
    hint: "Name two places of which none holds the other.",
  });
}
