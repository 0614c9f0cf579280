/** Directories that appear whole or not at all, whoever else makes them at the same time. */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes `target` by filling a draft beside it and renaming that. Does nothing if `target` exists. */
export async function makeWhole(
  target: string,
  fill: (draft: string) => Promise<void>,
): Promise<void> {
  if (await exists(target)) return;
  // Unique per call: one process may open several servers at the same time.
  const draft = `${target}.draft-${process.pid}-${randomUUID()}`;
  await mkdir(dirname(target), { recursive: true });
  await fill(draft);
  try {
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!(await exists(target))) throw error;
  }
}

/** Whether anything can be found at `path`; a dangling link is nothing. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The text of a file, or `otherwise` if it cannot be read. */
export async function readTextOr(path: string, otherwise: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return otherwise;
  }
}
