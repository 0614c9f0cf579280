/** A small controller in a process of its own, to be killed and frozen. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";

/** What the small controller says: one JSON object per line. */
export type Said =
  | { readonly said: "leading"; readonly epoch: number }
  | { readonly said: "step"; readonly name: string; readonly atMs: number }
  | { readonly said: "ended" }
  | { readonly said: "lost" };

/** Only our own script writes these lines. */
function said(line: string): Said {
  const parsed: Said = JSON.parse(line);
  return parsed;
}

const living = new Set<ChildProcess>();

afterEach(() => {
  for (const child of living) child.kill("SIGKILL");
  living.clear();
});

export class ControllerProcess {
  readonly spawnedAtMs: number = Date.now();
  readonly said: Said[] = [];
  #stderr = "";
  #isOver = false;
  /** Exit code of the process. It is gone then, and everything it said has been heard. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();

  /**
   * `scenario` is one of those in `small-controller.ts`; null only leads. An `approver` approves
   * the run, twice, as soon as the controller is up.
   */
  constructor(url: string, scenario: string | null, runId: string, approver = "") {
    const script = fileURLToPath(new URL("./small-controller.ts", import.meta.url));
    const child = spawn(process.execPath, [script, scenario ?? "", runId, approver], {
      env: { ...process.env, STATE_URL: url },
      stdio: ["ignore", "pipe", "pipe"],
    });
    living.add(child);
    this.#child = child;
    this.exited = new Promise((settle) => {
      // Not `exit`, which may come before the last lines.
      child.on("close", (code) => {
        living.delete(child);
        this.#isOver = true;
        settle(code);
        this.#wake();
      });
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text));
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.said.push(said(line));
      this.#wake();
    });
  }

  kill(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** Resolves when it has ended by itself. Engine noise must not reach standard error. */
  async end(): Promise<{ readonly exitCode: number | null; readonly stderr: string }> {
    return { exitCode: await this.exited, stderr: this.#stderr };
  }

  /** Names of the steps it began, in order. */
  get steps(): readonly string[] {
    return this.said.flatMap((line) => (line.said === "step" ? [line.name] : []));
  }

  /** Resolves once `holds` does; throws if the process ends before. */
  async until(holds: (controller: this) => boolean): Promise<void> {
    while (!holds(this)) {
      if (this.#isOver) throw new Error(`it ended early: ${this.#stderr}`);
      const woken = Promise.withResolvers<null>();
      const wake = (): void => woken.resolve(null);
      this.#listeners.add(wake);
      await woken.promise;
      this.#listeners.delete(wake);
    }
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }
}
