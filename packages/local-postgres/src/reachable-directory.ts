/** Finds places that an unprivileged user can get to, although we may be root in a private home. */
import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, realpath, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { LocalPostgresError } from "./error.ts";
import type { ProcessOwner } from "./owner.ts";

/** Whether `owner` may pass through `path` and every directory above it. */
export async function canReach(path: string, owner: ProcessOwner): Promise<boolean> {
  for (let current = await realpath(path); ; current = dirname(current)) {
    const { mode, uid, gid } = await stat(current);
    const execute = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001;
    if ((mode & execute) === 0) return false;
    if (dirname(current) === current) return true;
  }
}

/**
 * Makes `preferred` and returns it if `owner` can reach it (always so when `owner` is null);
 * otherwise makes and returns a directory of our own under the system's temporary directory,
 * named after `preferred` so that the next call finds it again.
 * @throws {LocalPostgresError} `CONFLICT` if somebody else made that directory first
 */
export async function reachableDirectory(
  preferred: string,
  owner: ProcessOwner | null,
): Promise<string> {
  const wanted = resolve(preferred);
  await mkdir(wanted, { recursive: true });
  if (owner === null || (await canReach(wanted, owner))) return realpath(wanted);
  const fallback = join(tmpdir(), `cloudphoenix-${shortHash(wanted)}`);
  await makeOwnDirectory(fallback);
  return fallback;
}

/**
 * Makes a directory that others may enter but only we may write. A directory that another user
 * made under this predictable name is refused: they could swap what is inside.
 */
async function makeOwnDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  const found = await lstat(path);
  if (!found.isDirectory() || found.uid !== (process.geteuid?.() ?? found.uid)) {
    throw new LocalPostgresError("CONFLICT", `${path} exists and belongs to somebody else`, {
      hint: `Remove ${path}, or set TMPDIR to a directory of your own.`,
    });
  }
  await chmod(path, 0o755);
}

/** Twelve characters that stand for `text` in names with a length limit. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
