/**
 * Keeps what only a quarantined site has in a file.
 *
 * 1. Streamed: the tail may be larger than memory. Readable by its owner only: it holds user data.
 * 2. The file appears under its name only once it is complete and on disk; what breaks off leaves
 *    nothing behind. An existing file is overwritten only if that was asked for.
 * 3. It counts as a decision only after the controller was told how much was kept.
 */
import { constants } from "node:fs";
import { access, open, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { ApiClient } from "./api-client.ts";

interface ExportWish {
  readonly site: string;
  readonly file: string;
  readonly force: boolean;
  readonly by: string;
}

/**
 * @throws {CloudPhoenixError} `CONFLICT` if the file exists; `UNREACHABLE` if the answer broke off;
 *   `CONFIG_UNREADABLE` if the file cannot be written
 */
export async function exportQuarantine(
  api: ApiClient,
  { site, file, force, by }: ExportWish,
  signal: AbortSignal,
): Promise<{ readonly file: string; readonly rows: number }> {
  const path = resolve(file);
  if (!force && (await exists(path))) {
    throw new CloudPhoenixError("CONFLICT", `${file} exists`, {
      retryable: false,
      hint: "Name another file, or add --force to overwrite it.",
    });
  }
  const rows = await store(`${path}.part`, api.lines(`/v1/quarantine/${site}/rows`, signal));
  await rename(`${path}.part`, path);
  await api.send(`/v1/quarantine/${encodeURIComponent(site)}/exported`, {
    method: "POST",
    body: { by, rows, file: path },
  });
  return { file: path, rows };
}

async function store(part: string, lines: AsyncIterable<string>): Promise<number> {
  const handle = await openPart(part);
  try {
    let rows = 0;
    let end: number | null = null;
    for await (const line of lines) {
      end = endIn(line);
      if (end !== null) break;
      await handle.write(`${line}\n`);
      rows += 1;
    }
    if (end !== rows) throw brokeOff(rows);
    await handle.sync();
    await handle.close();
    return rows;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
}

/** The count in the last line; null for every other line. */
function endIn(line: string): number | null {
  if (!line.startsWith('{"end":true,')) return null;
  const last: { readonly rows: number } = JSON.parse(line);
  return last.rows;
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

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

function brokeOff(rows: number): CloudPhoenixError {
  return new CloudPhoenixError("UNREACHABLE", `the export broke off after ${rows} changes`, {
    retryable: true,
    hint: "Nothing was kept; export again.",
  });
}
