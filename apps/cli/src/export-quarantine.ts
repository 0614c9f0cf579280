/**
 * Keeps what only a quarantined site has in a file, and the list of the objects that only it has, or has
 * otherwise, in another one beside it.
 *
 * 1. Streamed: the tail may be larger than memory. Readable by its owner only: it holds user data.
 * 2. The file appears under its name only once it is complete and on disk; what breaks off leaves
 *    nothing behind. An existing file is overwritten only if that was asked for.
 * 3. It counts as a decision only after the controller was told how much was kept.
 * 4. The changes come first: a store that does not answer keeps nobody from keeping them.
 */
import { constants } from "node:fs";
import { access, open, rename, rm } from "node:fs/promises";
import { join, parse, resolve } from "node:path";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import type { ApiClient } from "./api-client.ts";

interface ExportWish {
  readonly site: string;
  readonly file: string;
  readonly force: boolean;
  readonly by: string;
}

export interface ExportedQuarantine {
  readonly file: string;
  readonly rows: number;
  /** Null where the application has no objects, and if they could not be listed: then there is no file of them. */
  readonly objects: { readonly file: string; readonly count: number } | null;
  /** Why the objects could not be listed; null if all is well. The changes are kept nevertheless. */
  readonly trouble: string | null;
}

/**
 * @throws {CloudPhoenixError} `CONFLICT` if a file exists; `UNREACHABLE` if the changes broke off;
 *   `CONFIG_UNREADABLE` if their file cannot be written
 */
export async function exportQuarantine(
  api: ApiClient,
  { site, file, force, by }: ExportWish,
  signal: AbortSignal,
): Promise<ExportedQuarantine> {
  const path = resolve(file);
  const objectsPath = besideIt(path);
  if (!force) await refuseExisting([path, objectsPath]);
  const at = `/v1/quarantine/${encodeURIComponent(site)}`;
  const rows = (await store(path, "rows", api.lines(`${at}/rows`, signal))) ?? 0;
  await api.send(`${at}/exported`, { method: "POST", body: { by, rows, file: path } });
  try {
    const count = await store(objectsPath, "objects", api.lines(`${at}/objects`, signal));
    const objects = count === null ? null : { file: objectsPath, count };
    return { file: path, rows, objects, trouble: null };
  } catch (error) {
    signal.throwIfAborted();
    return { file: path, rows, objects: null, trouble: messageOf(error) };
  }
}

/** `lost.objects.jsonl` beside `lost.jsonl`. */
function besideIt(path: string): string {
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}.objects${ext}`);
}

/** Writes the lines to the file and says how many there were; null, and no file, if there is nothing to list. */
async function store(
  path: string,
  what: "rows" | "objects",
  lines: AsyncIterable<string>,
): Promise<number | null> {
  const part = `${path}.part`;
  const handle = await openPart(part);
  try {
    let kept = 0;
    let end: Readonly<Record<string, number | null>> | null = null;
    for await (const line of lines) {
      end = endIn(line);
      if (end !== null) break;
      await handle.write(`${line}\n`);
      kept += 1;
    }
    const said = end?.[what];
    if (said !== kept && said !== null) throw brokeOff(kept, what);
    await handle.sync();
    await handle.close();
    await (said === null ? rm(part, { force: true }) : rename(part, path));
    return said;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
}

/** The counts in the last line; null for every other line. */
function endIn(line: string): Readonly<Record<string, number | null>> | null {
  return line.startsWith('{"end":true,') ? JSON.parse(line) : null;
}

async function openPart(part: string): ReturnType<typeof open> {
  try {
    await rm(part, { force: true });
    return await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (cause) {
    throw new CloudPhoenixError("CONFIG_UNREADABLE", `${part} cannot be written`, {
      retryable: false,
      hint: "Name a file in a folder that exists and that you may write to.",
      cause,
    });
  }
}

async function refuseExisting(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (!(await exists(path))) continue;
    throw new CloudPhoenixError("CONFLICT", `${path} exists`, {
      retryable: false,
      hint: "Name another file, or add --force to overwrite it.",
    });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

function brokeOff(kept: number, what: "rows" | "objects"): CloudPhoenixError {
  const things = what === "rows" ? "changes" : "objects";
  return new CloudPhoenixError("UNREACHABLE", `the export broke off after ${kept} ${things}`, {
    retryable: true,
    hint: "Nothing was kept; export again.",
  });
}
