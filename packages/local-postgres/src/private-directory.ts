/** Directories only the server's user may enter. */
import { chmod, chown, lstat, mkdir } from "node:fs/promises";
import { LocalPostgresError } from "./error.ts";
import type { ProcessOwner } from "./owner.ts";

/**
 * Makes `path` private to the server's user, for its sockets. Idempotent.
 * @throws {LocalPostgresError} `CONFLICT` if it is somebody else's, or shared such as /tmp
 */
export async function ensurePrivateDirectory(
  path: string,
  owner: ProcessOwner | null,
): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(path);
  const users = [process.geteuid?.(), owner?.uid];
  const shared = (mode & 0o1000) !== 0;
  if (shared || (process.geteuid !== undefined && !users.includes(uid))) {
    throw new LocalPostgresError("CONFLICT", `${path} is shared or belongs to somebody else`, {
      hint: "Choose a directory of your own for the sockets.",
    });
  }
  if (owner !== null) await chown(path, owner.uid, owner.gid);
  await chmod(path, 0o700);
}
