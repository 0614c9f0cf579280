/** Gives agents a login at the state database that can do nothing but keep a lease. */
import { pbkdf2Sync, createHash, createHmac, randomBytes } from "node:crypto";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { escapeIdentifier, escapeLiteral } from "pg";
import type { Log } from "../log.ts";
import { ADVISORY_LOCKS } from "../state/advisory-locks.ts";
import { ensureDatabase } from "../state/open-state-database.ts";
import { migrate } from "../state/migrations.ts";
import { StateConnection } from "../state/state-connection.ts";
import { leaseGrants } from "./lease-schema.ts";

/** A login and its password (printable ASCII). */
interface WitnessLogin {
  readonly login: string;
  readonly password: string;
}

export interface PrepareWitnessOptions {
  /** The state database as an owner of it with CREATEROLE reaches it; may hold the password. */
  readonly url: string;
  readonly application: string;
  readonly logins: readonly WitnessLogin[];
  readonly log: Log;
}

/**
 * Makes the logins that are missing, sets the passwords of all, and lets each read and replace the
 * lease of `application`. Idempotent; works before any controller has started.
 * @throws {CloudPhoenixError} `STATE_UNAVAILABLE`, `UNAUTHORIZED`, `BAD_REQUEST` for a password
 *   that is not printable ASCII
 */
export async function prepareWitness(options: PrepareWitnessOptions): Promise<void> {
  const { url, application, logins, log } = options;
  await ensureDatabase(url);
  const state = new StateConnection(url, log);
  try {
    await migrate(state);
    await state.transaction(async (client) => {
      await client.query("select pg_advisory_xact_lock($1)", [ADVISORY_LOCKS.witnessLogins]);
      for (const { login, password } of logins) {
        const { rowCount } = await client.query("select from pg_roles where rolname = $1", [login]);
        const verb = rowCount === 0 ? "create" : "alter";
        const role = escapeIdentifier(login);
        await client.query(`${verb} role ${role} login password ${verifier(password)}`);
        for (const grant of leaseGrants(role)) await client.query(grant);
        await client.query(
          "insert into cloudphoenix.lease_login (login, application) values ($1, $2) on conflict do nothing",
          [login, application],
        );
      }
    });
  } finally {
    await state.close();
  }
}

const ITERATIONS = 4_096;

/**
 * What the server stores instead of the password (RFC 5803), made here so that the password never
 * stands in a statement.
 */
function verifier(password: string): string {
  if (!/^[\x20-\x7e]+$/u.test(password)) {
    throw new CloudPhoenixError("BAD_REQUEST", "a witness password must be printable ASCII", {
      retryable: false,
      hint: "Choose a password of letters, digits and punctuation.",
    });
  }
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, "sha256");
  const keyOf = (name: string): Buffer => createHmac("sha256", salted).update(name).digest();
  const stored = createHash("sha256").update(keyOf("Client Key")).digest("base64");
  const server = keyOf("Server Key").toString("base64");
  return escapeLiteral(
    `SCRAM-SHA-256$${ITERATIONS}:${salt.toString("base64")}$${stored}:${server}`,
  );
}
