/** What PostgreSQL stores instead of a password (RFC 5803 with SCRAM-SHA-256). */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { CloudPhoenixError } from "@cloudphoenix/core";

/** PostgreSQL's own default (`scram_iterations`). */
const ITERATIONS = 4_096;
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/**
 * Derives the verifier here, so that the password itself never stands in a statement, and so
 * neither in the server's log nor in its statistics.
 * @throws {CloudPhoenixError} `BAD_REQUEST` unless the password is printable ASCII: anything else
 *   would have to be normalised first (RFC 4013)
 */
export function scramVerifier(password: string): string {
  if (!/^[\x20-\x7e]+$/.test(password)) {
    throw new CloudPhoenixError("BAD_REQUEST", "a database password must be printable ASCII", {
      retryable: false,
      hint: "Choose a password of letters, digits and punctuation.",
    });
  }
  const salt = randomBytes(SALT_BYTES);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, KEY_BYTES, "sha256");
  const keyOf = (name: string): Buffer => createHmac("sha256", salted).update(name).digest();
  const stored = createHash("sha256").update(keyOf("Client Key")).digest("base64");
  const server = keyOf("Server Key").toString("base64");
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString("base64")}$${stored}:${server}`;
}
