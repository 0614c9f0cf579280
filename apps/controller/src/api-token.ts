/** The API's bearer token: made once, kept in a file only its owner can read. */

import { randomBytes } from "node:crypto";
import { link, mkdir, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { readSecretFile } from "@cloudphoenix/config";
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";

const TOKEN_BYTES = 32;

/**
 * The token in `path`, made now if the file does not exist. Several controllers may start at once
 * on one file: the first to link it into place wins, and nobody ever reads half a token.
 *
 * @throws {CloudPhoenixError} `CONFIG_INVALID` if the file is open to others, empty or too short;
 *   `CONFIG_UNREADABLE` if it can be neither read nor made
 */
export async function apiToken(path: string): Promise<string> {
  await makeIfMissing(path);
  const token = await readSecretFile(path);
  if (token.length >= TOKEN_BYTES) return token;
  throw new CloudPhoenixError("CONFIG_INVALID", `the API token in ${path} is too short`, {
    retryable: false,
    hint: `Delete ${path}; a new token is made at the next start.`,
  });
}

async function makeIfMissing(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}.draft`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, "r").catch(() => null);
    if (file !== null) {
      await file.close();
      return;
    }
    await writePrivately(draft, `${randomBytes(TOKEN_BYTES).toString("base64url")}\n`);
    await link(draft, path);
  } catch (cause) {
    if (hasNodeCode(cause, "EEXIST")) return;
    if (hasCode(cause, "CONFIG_INVALID")) throw cause;
    throw new CloudPhoenixError(
      "CONFIG_UNREADABLE",
      `cannot make the API token ${path}: ${messageOf(cause)}`,
      {
        retryable: false,
        hint: "Make the folder writable, or name another file in api.token_file.",
        cause,
      },
    );
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

async function writePrivately(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    // A file left over by a killed start keeps its old mode.
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function hasNodeCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
