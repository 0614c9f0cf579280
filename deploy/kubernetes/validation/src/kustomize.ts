/** The real `kubectl kustomize`, and what it renders. */
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import type { Json } from "./document.ts";

const run = promisify(execFile);

/** The folder `deploy/kubernetes`. */
export const kubernetesRoot: string = join(import.meta.dirname, "../..");

/** Names of the overlays. */
export function listOverlays(): readonly string[] {
  return readdirSync(join(kubernetesRoot, "overlays")).toSorted();
}

/** What kubectl calls itself; null where there is none. */
export async function kubectlVersion(): Promise<string | null> {
  try {
    const { stdout } = await run("kubectl", ["version", "--client", "-o", "json"]);
    const version = JSON.parse(stdout) as { kustomizeVersion: string };
    return version.kustomizeVersion;
  } catch {
    return null;
  }
}

/** The documents of `folder`. @throws what kubectl says if it cannot build them */
export async function render(folder: string): Promise<readonly Json[]> {
  const { stdout } = await run("kubectl", ["kustomize", folder], { maxBuffer: 16 * 1024 * 1024 });
  return parseAllDocuments(stdout).map((document) => document.toJS() as Json);
}
