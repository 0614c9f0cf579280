/**
 * Prints what `terraform output -json` would print for an example, with mocked providers:
 * `node deploy/terraform/validation/src/example-outputs.ts complete`. One object with a member for each cloud.
 */
import { join } from "node:path";
import { outputsOf } from "./outputs-of.ts";
import { serveSchemas } from "./schemas/serve-schemas.ts";
import { readSnapshots } from "./schemas/snapshot.ts";
import { openWorkspace, runTests } from "./terraform-command.ts";
import { terraformRoot } from "./terraform-root.ts";

const example = process.argv[2] ?? "complete";
const served = await serveSchemas(readSnapshots());
try {
  const outputs: Record<string, unknown> = {};
  for (const cloud of ["aws", "azure"]) outputs[cloud] = await exampleOutputs(cloud);
  console.log(JSON.stringify(outputs, null, 2));
} finally {
  served.close();
}

async function exampleOutputs(cloud: string): Promise<unknown> {
  const workspace = await openWorkspace(join(terraformRoot, "stacks", cloud), served.environment);
  try {
    const file = `../../examples/${example}/${cloud}.tfvars`;
    const args = ["-verbose", "-test-directory=tests/examples", `-var-file=${file}`];
    const { resources, errors } = await runTests(workspace, args);
    if (errors.length > 0) throw new Error(errors.join("\n"));
    return outputsOf(resources);
  } finally {
    workspace.dispose();
  }
}
