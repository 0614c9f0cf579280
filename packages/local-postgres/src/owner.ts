/**
 * Who the server runs as. PostgreSQL refuses to run as root, and refuses a uid that has no user
 * name. Nothing is ever created on the host: root borrows a user that exists.
 */
import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { LocalPostgresError } from "./error.ts";

/** An operating system user, by number. */
export interface ProcessOwner {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` on Linux: the user that every distribution has and that owns nothing. */
const NOBODY_UID = 65_534;

/**
 * The user to drop to, or null to stay as we are (an ordinary user, or a platform without uids).
 * @throws {LocalPostgresError} `UNSUPPORTED_PLATFORM` if no usable user exists
 */
export async function resolveOwner(wanted?: ProcessOwner): Promise<ProcessOwner | null> {
  const uid = process.geteuid?.();
  if (uid === undefined) return null;
  if (uid === 0) return borrowedOwner(wanted);
  requireUserName(uid);
  return null;
}

async function borrowedOwner(wanted: ProcessOwner | undefined): Promise<ProcessOwner> {
  const uid = wanted?.uid ?? NOBODY_UID;
  const entries = (await readFile("/etc/passwd", "utf8")).split("\n");
  const entry = entries.map((line) => line.split(":")).find((fields) => Number(fields[2]) === uid);
  if (uid === 0 || entry === undefined) {
    throw new LocalPostgresError(
      "UNSUPPORTED_PLATFORM",
      `PostgreSQL cannot run as root, and there is no ordinary user with uid ${uid} to run it as`,
      { hint: "Run as an ordinary user, or give the address of an existing PostgreSQL server." },
    );
  }
  return { uid, gid: wanted?.gid ?? Number(entry[3]) };
}

/** initdb looks its user up by name and fails for the bare uids some container platforms assign. */
function requireUserName(uid: number): void {
  try {
    userInfo();
  } catch (cause) {
    throw new LocalPostgresError(
      "UNSUPPORTED_PLATFORM",
      `uid ${uid} has no user name on this machine, and PostgreSQL refuses to run without one`,
      {
        hint: "Add the uid to /etc/passwd, or give the address of an existing PostgreSQL server.",
        cause,
      },
    );
  }
}
