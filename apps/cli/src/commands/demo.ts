import { FAULT_NAMES, type FaultName, openWorld } from "@cloudphoenix/sandbox";
import { type Command, InvalidArgumentError } from "commander";
import type { CommandContext, Invocation } from "../command-context.ts";
import { runDemo } from "../demo/run-demo.ts";
import { runFailbackDemo } from "../demo/run-failback-demo.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { demoReportText } from "../render/demo-report-text.ts";
import { failbackReportText } from "../render/failback-report-text.ts";
import { sandboxOptions, type SandboxChoices, withSandboxOptions } from "../sandbox-options.ts";

interface DemoChoices extends SandboxChoices {
  readonly fault: FaultName;
  /** Absent: see `defaultRate`. */
  readonly rate?: number;
  readonly failback?: boolean;
}

const RATE_MAX = 1_000;
const RATE_DEFAULT = 100;
/** Two cores also copy every receipt, and once more those that were made away. */
const CIRCLE_RATE_DEFAULT = 25;

/** `cloudphoenix demo`: the main job, with the report at its end. */
export function registerDemo(program: Command, context: CommandContext): void {
  const command = program
    .command("demo")
    .description(
      "Start two sites, put client load on them, lose one, fail over, and report what was measured. Exit 0 only if every promise held.",
    )
    .option("--fault <fault>", "region-loss or region-isolation", faultOf, "region-loss")
    .option(
      "--failback",
      "the whole circle: the lost site returns, is salvaged and repaired, objects are copied back, and the application goes home",
    )
    .option(
      "--rate <n>",
      `orders written per second (default: ${RATE_DEFAULT}; ${CIRCLE_RATE_DEFAULT} with --failback and objects)`,
      rateOf,
    );
  withSandboxOptions(command).action(async () => {
    await context.invoke(command, (invocation) => demo(invocation, command.opts()));
  });
}

async function demo(invocation: Invocation, choices: DemoChoices): Promise<ExitCode> {
  const { terminal, signal } = invocation;
  terminal.progress("Two clouds on this machine:");
  const name = `${invocation.options.name}-demo`;
  const ratePerSecond = choices.rate ?? defaultRate(choices);
  const world = await openWorld({
    ...sandboxOptions(invocation, choices),
    name,
    ratePerSecond,
  });
  try {
    const stage = { world, terminal, signal };
    const story = {
      fault: choices.fault,
      durability: choices.durability ?? "async",
      linkDelayMs: choices.delay ?? 20,
      writesPerSecond: ratePerSecond,
    };
    if (choices.failback === true) {
      const circle = await runFailbackDemo(stage, story);
      terminal.result(circle, failbackReportText(circle, terminal.paint));
      return circle.ok ? EXIT_CODES.done : EXIT_CODES.failed;
    }
    const report = await runDemo(stage, story);
    terminal.result(report, demoReportText(report, terminal.paint));
    return report.ok ? EXIT_CODES.done : EXIT_CODES.failed;
  } finally {
    await world.close();
  }
}

function defaultRate({ failback, objects }: DemoChoices): number {
  return failback === true && objects !== false ? CIRCLE_RATE_DEFAULT : RATE_DEFAULT;
}

/** Faults that make the active site unusable as a whole. */
const MOVING_FAULTS: readonly FaultName[] = ["region-loss", "region-isolation"];

function faultOf(text: string): FaultName {
  const fault = FAULT_NAMES.find((name) => name === text);
  if (fault !== undefined && MOVING_FAULTS.includes(fault)) return fault;
  throw new InvalidArgumentError(`use one of: ${MOVING_FAULTS.join(", ")}`);
}

function rateOf(text: string): number {
  const rate = Number(text);
  if (Number.isInteger(rate) && rate >= 1 && rate <= RATE_MAX) return rate;
  throw new InvalidArgumentError(`give a whole number from 1 to ${RATE_MAX}`);
}
