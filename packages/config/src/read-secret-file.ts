/** Secrets live in files of their own, readable by their owner only. */

import { open } from "node:fs/promises";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";

/** Permission bits that let anybody but the owner do anything. */
const OTHERS = 0o077;

/** No password, token or key is longer; a larger file is a mistake. */
const SECRET_MAX_BYTES = 65_536;

/**
 * The secret in the file at `path`, without surrounding white space.
 *
 * @throws {CloudPhoenixError} `CONFIG_UNREADABLE` if it cannot be read; `CONFIG_INVALID` if it is
 *   empty, too large, or readable by group or others. The message never holds the content.
 */
export async function readSecretFile(path: string): Promise<string> {
  const file = await openSecret(path);
  try {
    const { mode, size } = await file.stat();
    if ((mode & OTHERS) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, "0");
      throw refused(
        `secret file ${path} is open to others (mode ${octal})`,
        `Run \`chmod 600 ${path}\`.`,
      );
    }
    if (size > SECRET_MAX_BYTES) {
      throw refused(`secret file ${path} is too large (${size} bytes)`, "Name the right file.");
    }
    const secret = (await file.readFile("utf8")).trim();
    if (secret === "") throw refused(`secret file ${path} is empty`, "Write the secret into it.");
    return secret;
  } finally {
    await file.close();
  }
}

async function openSecret(path: string): ReturnType<typeof open> {
  try {
    return await open(path, "r");
  } catch (cause) {
    throw new CloudPhoenixError(
      "CONFIG_UNREADABLE",
      `cannot read secret file ${path}: ${messageOf(cause)}`,
      { retryable: false, hint: "Create the file with mode 0600, or correct its name.", cause },
    );
  }
}

function refused(message: string, hint: string): CloudPhoenixError {
  return new CloudPhoenixError("CONFIG_INVALID", message, { retryable: false, hint });
}
