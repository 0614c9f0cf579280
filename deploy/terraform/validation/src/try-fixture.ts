/** What the gates say of one folder: Terraform's findings, or else the policies' on its plan. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPolicies } from "./policies/check-policies.ts";
import { openWorkspace, validate, type Workspace } from "./terraform-command.ts";

/** Findings in `path`; none means that it is accepted. */
export async function findingsIn(
  path: string,
  environment: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const workspace = await openWorkspace(path, environment);
  try {
    const found = await validate(workspace);
    return found.length > 0 ? found : await findingsInPlan(workspace);
  } finally {
    workspace.dispose();
  }
}

async function findingsInPlan(workspace: Workspace): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "terraform-plan-"));
  try {
    const file = join(folder, "plan");
    const args = ["-refresh=false", "-input=false", "-lock=false", "-no-color"];
    const plan = await workspace.run([
      "plan",
      ...args,
      `-state=${join(folder, "state")}`,
      `-out=${file}`,
    ]);
    if (!plan.ok) return [plan.stderr.replace(/[│╷╵]/g, "").replace(/\s+/g, " ").trim()];
    const shown = await workspace.run(["show", "-json", file]);
    return checkPolicies(JSON.parse(shown.stdout.slice(shown.stdout.indexOf("{"))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
