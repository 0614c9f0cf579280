/**
 * Which rule really refuses a bad value. A run with `expect_failures` passes whichever rule of the
 * variable fails; here each such run is made once more without the expectation, in a file of its own, and
 * Terraform's words are kept. Two tests of one rule are then not taken for tests of two.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { openWorkspace } from "./terraform-command.ts";
import { terraformRoot } from "./terraform-root.ts";

/** Everything Terraform said while it refused the bad values of the project at `path`. */
export async function refusedMessages(
  path: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "refusals-"));
  try {
    // The whole tree: stacks name their modules by relative paths.
    const copy = join(folder, "terraform");
    for (const part of ["modules", "stacks"]) {
      cpSync(join(terraformRoot, part), join(copy, part), { recursive: true });
    }
    const project = join(copy, path.slice(terraformRoot.length));
    splitTests(join(project, "tests"));
    const workspace = await openWorkspace(project, environment);
    try {
      const { stdout } = await workspace.run(["test", "-json"]);
      return unwrapped(stdout);
    } finally {
      workspace.dispose();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One file for each refusing run: the first run that fails would keep the rest of its file from running. */
function splitTests(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (!name.endsWith(".tftest.hcl")) {
      rmSync(file, { recursive: true });
      continue;
    }
    const text = readFileSync(file, "utf8");
    rmSync(file);
    const first = text.search(/^run "/m);
    const head = text.slice(0, first);
    const runs = text.slice(first).split(/^(?=run ")/m);
    for (const [index, one] of runs.entries()) {
      if (!/expect_failures = \[var\./.test(one)) continue;
      const open = one.replace(/^ *expect_failures = .*\n/m, "");
      writeFileSync(
        join(dirname(file), `${basename(name, ".tftest.hcl")}-${index}.tftest.hcl`),
        head + open,
      );
    }
  }
}

/** Terraform's JSON as text whose spaces are single, so that a message can be looked for. */
function unwrapped(lines: string): string {
  return lines
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { readonly diagnostic?: { readonly detail?: string } })
    .map(({ diagnostic }) => diagnostic?.detail ?? "")
    .join(" ")
    .replace(/\s+/g, " ");
}
