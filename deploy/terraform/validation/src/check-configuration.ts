/**
 * The way from Terraform to CloudPhoenix, walked with the real command: the outputs of an example's two
 * stacks, as `terraform output -json` prints them, become a configuration that `config check` accepts.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const command = join(import.meta.dirname, "../../../../apps/cli/src/main.ts");
const LIMIT_MS = 60_000;

/** What is wrong with the configuration made of `outputs` (by cloud), in sentences. */
export async function checkConfiguration(
  outputs: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "from-terraform-"));
  try {
    const files = Object.entries(outputs).map(([cloud, value]) => {
      const file = join(folder, `${cloud}.json`);
      writeFileSync(file, JSON.stringify(value));
      return file;
    });
    const options = ["--workload", "orders=3", "--state-url", STATE_URL, "--canary", CANARY];
    const made = await cloudphoenix("config", "from-terraform", ...files, ...options);
    const file = join(folder, "cloudphoenix.yaml");
    writeFileSync(file, made.stdout);
    const checked = await cloudphoenix("config", "check", file);
    const said = `is valid: application shop, ${files.length} sites`;
    return checked.stdout.includes(said) ? [] : [`config check says: ${checked.stdout}`];
  } catch (error) {
    const { stderr = "", message } = error as {
      readonly stderr?: string;
      readonly message: string;
    };
    return [stderr.trim() === "" ? message : stderr.trim()];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const STATE_URL =
  "postgresql://cloudphoenix@state.example.com:5432/cloudphoenix?sslmode=verify-full";
const CANARY = "https://www.example.com/";

function cloudphoenix(...args: readonly string[]): Promise<{ readonly stdout: string }> {
  return run(process.execPath, [command, ...args], { timeout: LIMIT_MS });
}
