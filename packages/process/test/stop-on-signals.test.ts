import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";

const FIXTURE = join(import.meta.dirname, "fixtures/stopping-process.ts");

interface Running {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** Until a line says `word`. */
  readonly says: (word: string) => Promise<void>;
}

function run(how: string): Running {
  const child = spawn(process.execPath, [FIXTURE, how], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const says = (word: string): Promise<void> =>
    expect.poll(() => lines.join("\n"), { timeout: 20_000 }).toContain(word);
  return { child, lines, says };
}

async function end({ child }: Running): Promise<unknown> {
  const [code]: unknown[] = await once(child, "close");
  return code;
}

test.each(["SIGTERM", "SIGINT"] as const)("%s closes in order and ends with 0", async (signal) => {
  const running = run("in-order");
  await running.says("ready");
  running.child.kill(signal);

  expect(await end(running)).toBe(0);
  expect(running.lines.join("\n")).toContain('"stopped"');
});

test("a close that fails is told and ends with 1", async () => {
  const running = run("with-an-error");
  await running.says("ready");
  running.child.kill("SIGTERM");

  expect(await end(running)).toBe(1);
  expect(running.lines.join("\n")).toContain("it is stuck");
});

test("a second signal ends what does not come to an end", async () => {
  const running = run("never");
  await running.says("ready");
  running.child.kill("SIGTERM");
  await running.says("stopping");
  running.child.kill("SIGINT");

  expect(await end(running)).toBe(1);
});
