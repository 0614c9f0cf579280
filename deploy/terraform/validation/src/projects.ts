/** Which folders Terraform is run in. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { terraformRoot } from "./terraform-root.ts";

/** A module or a stack. */
export interface Project {
  /** Folder relative to `deploy/terraform`, for instance `modules/aws/rds`. */
  readonly name: string;
  readonly path: string;
}

/** Every folder below `modules` and `stacks` that has a `versions.tf`. */
export function listProjects(): readonly Project[] {
  return ["modules", "stacks"].flatMap((kind) =>
    readdirSync(join(terraformRoot, kind), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith("versions.tf"))
      .map((file) => join(kind, dirname(file)))
      .toSorted()
      .map((name) => ({ name, path: join(terraformRoot, name) })),
  );
}

/** Folders of the examples: `minimal`, `complete`. */
export function listExamples(): readonly string[] {
  return readdirSync(join(terraformRoot, "examples"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
}
