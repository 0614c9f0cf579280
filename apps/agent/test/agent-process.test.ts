import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { type AgentWorld, startAgentWorld, TOKEN } from "./agent-world.ts";

const MAIN = join(import.meta.dirname, "../src/main.ts");

function run(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

function argumentsFor(world: AgentWorld, changes: Record<string, string> = {}): string[] {
  const all = {
    "--config": world.config,
    "--vantage": "internet",
    "--listen": "127.0.0.1:0",
    "--token-file": world.tokenFile,
    ...changes,
  };
  return Object.entries(all).flat();
}

async function failure(args: readonly string[]): Promise<{ code: unknown; stderr: string }> {
  const child = run(args);
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code]: unknown[] = await once(child, "close");
  return { code, stderr };
}

describe("the agent as a process", () => {
  test("says where it listens, answers, and ends on SIGTERM with a question still open", async () => {
    const world = await startAgentWorld();
    const child = run(argumentsFor(world));
    const lines: string[] = [];
    const listening = new Promise<number>((resolve) => {
      createInterface({ input: child.stdout ?? process.stdin }).on("line", (line) => {
        lines.push(line);
        const entry: unknown = JSON.parse(line);
        if (typeof entry === "object" && entry !== null && "port" in entry) {
          resolve(Number(entry.port));
        }
      });
    });
    const port = await listening;
    const held = fetch(`http://127.0.0.1:${port}/v1/observations?since=0&waitMs=5000`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    }).catch(() => null);
    expect((await fetch(`http://127.0.0.1:${port}/live`)).status).toBe(200);
    child.kill("SIGTERM");
    const [code]: unknown[] = await once(child, "close");
    await held;
    expect(code).toBe(0);
    expect(lines.join("\n")).toContain('"stopped"');
    expect(lines.join("\n")).not.toContain(TOKEN);
  });

  test.each<[string, (world: AgentWorld) => string[], number, RegExp]>([
    ["nothing", () => [], 64, /missing --config, --vantage, --listen, --token-file/u],
    [
      "a wrong configuration",
      (world) => {
        writeFileSync(world.config, "version: 1\napplikation: {}\n");
        return argumentsFor(world);
      },
      78,
      /applikation/u,
    ],
  ])("with %s ends with one clear error", async (_what, args, exit, message) => {
    const world = await startAgentWorld();
    const { code, stderr } = await failure(args(world));
    expect(code).toBe(exit);
    expect(stderr).toMatch(/^error: /u);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /mu);
  });

  test("says so when its port is taken", async () => {
    const world = await startAgentWorld();
    const taken = /127\.0\.0\.1:(\d+)\/health/u.exec(world.healthUrl)?.[1] ?? "";
    const { code, stderr } = await failure(
      argumentsFor(world, { "--listen": `127.0.0.1:${taken}` }),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot listen on 127\.0\.0\.1:\d+/u);
  });
});
