/** Runs the real `terraform` in one folder, with the providers' schemas attached. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface CommandResult {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test run of one project said. */
export interface TestResult {
  readonly passed: number;
  readonly failed: number;
  /** Every error, in Terraform's words. */
  readonly errors: readonly string[];
  /** Plans and states the runs ended with, if they were asked for. */
  readonly resources: readonly unknown[];
}

/** One folder that Terraform works in; its working data is kept outside the tree until `dispose`. */
export interface Workspace {
  run(args: readonly string[]): Promise<CommandResult>;
  dispose(): void;
}

/** Whether `terraform` is on the path, and which. */
export async function terraformVersion(): Promise<string | null> {
  try {
    const { ok, stdout } = await execute(["version", "-json"], tmpdir(), {});
    if (!ok) return null;
    return (JSON.parse(stdout) as { readonly terraform_version: string }).terraform_version;
  } catch {
    return null;
  }
}

/** Initialises `path` without its backend; throws with Terraform's words if that fails. */
export async function openWorkspace(
  path: string,
  environment: Readonly<Record<string, string>>,
): Promise<Workspace> {
  const data = mkdtempSync(join(tmpdir(), "terraform-data-"));
  const run = (args: readonly string[]): Promise<CommandResult> =>
    execute(args, path, { ...environment, TF_DATA_DIR: data });
  const dispose = (): void => rmSync(data, { recursive: true, force: true });
  const initialised = await run(["init", "-backend=false", "-input=false", "-no-color"]);
  if (!initialised.ok) {
    dispose();
    throw new Error(`terraform init in ${path}: ${initialised.stderr}${initialised.stdout}`);
  }
  return { run, dispose };
}

/** Findings of `terraform validate`, as sentences. */
export async function validate(workspace: Workspace): Promise<readonly string[]> {
  const { stdout } = await workspace.run(["validate", "-json"]);
  const { diagnostics } = JSON.parse(fromFirstBrace(stdout)) as {
    readonly diagnostics: readonly Diagnostic[];
  };
  return diagnostics.map(sentence);
}

/** Runs `terraform test`; `args` go after `-json`. */
export async function runTests(workspace: Workspace, args: readonly string[]): Promise<TestResult> {
  const { stdout, stderr, ok } = await workspace.run(["test", "-json", ...args]);
  const messages = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as TestMessage);
  const summary = messages.find((message) => message.test_summary !== undefined)?.test_summary;
  const errors = messages
    .filter((message) => message["@level"] === "error" && message.diagnostic !== undefined)
    .map((message) => `${message["@testrun"] ?? ""}: ${sentence(message.diagnostic ?? {})}`);
  const silent = !ok && errors.length === 0 ? [`terraform test: ${stderr}`] : [];
  return {
    passed: summary?.passed ?? 0,
    failed: (summary?.failed ?? 0) + (summary?.errored ?? 0) + (summary?.skipped ?? 0),
    errors: [...errors, ...silent],
    // A run that is refused ends with the part of a plan that was made before.
    resources: messages
      .filter((message) => message["@testrun"]?.startsWith("refuses_") !== true)
      .flatMap((message) =>
        [message.test_plan, message.test_state].filter((shown) => shown !== undefined),
      ),
  };
}

interface Diagnostic {
  readonly summary?: string;
  readonly detail?: string;
  readonly range?: { readonly filename: string; readonly start: { readonly line: number } };
}

interface TestMessage {
  readonly "@level": string;
  readonly "@testrun"?: string;
  readonly diagnostic?: Diagnostic;
  readonly test_plan?: unknown;
  readonly test_state?: unknown;
  readonly test_summary?: Readonly<Record<"passed" | "failed" | "errored" | "skipped", number>>;
}

function sentence({ summary = "", detail = "", range }: Diagnostic): string {
  const place = range === undefined ? "" : `${range.filename}:${range.start.line}: `;
  return `${place}${summary}: ${detail}`.replace(/\s+/g, " ").trim();
}

/** Terraform may print a warning about its own configuration before the answer. */
function fromFirstBrace(text: string): string {
  return text.slice(text.indexOf("{"));
}

function execute(
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn("terraform", args, {
      cwd,
      env: {
        // Most of a short run is tidying up after the schemas: seldom enough, it costs a quarter less.
        GOGC: "400",
        ...process.env,
        CHECKPOINT_DISABLE: "1",
        TF_CLI_CONFIG_FILE: "/dev/null",
        ...environment,
      },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({
        ok: code === 0,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
  });
}
