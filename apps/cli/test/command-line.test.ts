import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { EXIT_CODES, exitCodeOf } from "../src/exit-codes.ts";
import { confirmTyped } from "../src/confirm.ts";
import { buildProgram } from "../src/program.ts";
import { Terminal } from "../src/terminal.ts";

const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-cli-"));

afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

describe("the command line", () => {
  test("has a description for every command and every option", () => {
    const commands = allCommands(buildProgram({ invoke: () => Promise.resolve() }));

    expect(commands.length).toBeGreaterThan(20);
    for (const command of commands) {
      expect(command.description(), command.name()).not.toBe("");
      for (const option of command.options) expect(option.description, option.flags).not.toBe("");
    }
  });

  test.each([
    [["frobnicate"], "unknown command"],
    [["status", "--no-such-option"], "unknown option"],
    [["failover"], "--reason"],
    [["demo", "--fault", "pod-crash"], "region-loss"],
    [["demo", "--rate", "0"], "whole number"],
    [["start", "--durability", "maybe"], "async, barrier, sync"],
    [["plan", "sideways"], "switchover"],
    [["runs", "--limit", "0"], "1 to 200"],
    [["run", "skip", "r-1", "step"], "--reason"],
    [["config", "from-terraform", "aws.json"], "--workload"],
    [["config", "from-terraform", "aws.json", "--workload", "orders"], "orders=3"],
    [["config", "from-terraform", "a", "--workload", "a=1", "--rto", "soon"], "for instance 5s"],
    [
      ["config", "from-terraform", "a", "--workload", "a=1", "--state-url", "postgres://u:p@h/d"],
      "without a password",
    ],
  ])("refuses %j and says why", async (args, why) => {
    const written: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
    const program = buildProgram({ invoke: () => Promise.resolve() });

    await expect(program.parseAsync(args, { from: "user" })).rejects.toThrow(/error: /);

    expect(written.join("")).toContain(why);
  });

  test("asks nobody for a typed confirmation who cannot type", async () => {
    await expect(confirmTyped("azure", AbortSignal.timeout(1_000))).rejects.toMatchObject({
      code: "APPROVAL_REQUIRED",
    });
  });
});

describe("the terminal", () => {
  const options = { json: false, quiet: false, colour: false, logLevel: "info" } as const;

  test("keeps progress off standard output, so that results can be piped", () => {
    const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const err = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const terminal = new Terminal({ ...options, logFile: undefined });

    terminal.progress("working");
    terminal.result({ answer: 42n }, "forty-two");

    expect(out.mock.calls.map(([text]) => text)).toEqual(["forty-two\n"]);
    expect(err.mock.calls.map(([text]) => text)).toEqual(["working\n"]);
  });

  test("prints one JSON value and nothing else with --json, errors included", () => {
    const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const err = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const terminal = new Terminal({ ...options, json: true, logFile: undefined });

    terminal.progress("working");
    const code = terminal.fail(new CloudPhoenixError("GUARD_BLOCKED", "no", { retryable: false }));

    expect(code).toBe(EXIT_CODES.needsPerson);
    expect(err).not.toHaveBeenCalled();
    expect(JSON.parse(String(out.mock.calls[0]?.[0]))).toMatchObject({
      error: { code: "GUARD_BLOCKED" },
    });
  });

  test("appends everything to the log file as JSON lines without colour, readable by us alone", () => {
    vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const file = join(scratch, "said.log");
    const terminal = new Terminal({ ...options, colour: true, quiet: true, logFile: file });

    terminal.progress(terminal.paint.red("working"));
    terminal.result(null, "done");
    terminal.close();

    const lines = readFileSync(file, "utf8").trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
      "working",
      "done",
    ]);
  });

  test("a log file that cannot be opened is named", () => {
    const logFile = join(scratch, "no/file");

    expect(() => new Terminal({ ...options, logFile })).toThrow(logFile);
  });
});

test("errors that need a person, another input or another address have exit codes of their own", () => {
  expect(exitCodeOf("GUARD_BLOCKED")).toBe(EXIT_CODES.needsPerson);
  expect(exitCodeOf("CONFIG_INVALID")).toBe(EXIT_CODES.badInput);
  expect(exitCodeOf("UNREACHABLE")).toBe(EXIT_CODES.unavailable);
  expect(exitCodeOf("UNAUTHORIZED")).toBe(EXIT_CODES.notAllowed);
  expect(exitCodeOf("PORT_TAKEN")).toBe(EXIT_CODES.failed);
});

type Command = ReturnType<typeof buildProgram>;

function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap((child) => allCommands(child))];
}
