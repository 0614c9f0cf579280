/** Lets nobody in without the token. */

import { timingSafeEqual } from "node:crypto";
import { createHash } from "node:crypto";
import { CloudPhoenixError } from "@cloudphoenix/core";

/**
 * A check for `Authorization` headers against `token`. Both sides are hashed first, so that the
 * comparison takes the same time whatever the length and content of the guess.
 *
 * @throws {CloudPhoenixError} `UNAUTHORIZED`, the same for a missing and a wrong token
 */
export function bearerCheck(token: string): (authorization: string | undefined) => void {
  const expected = digest(token);
  return (authorization) => {
    const given = /^Bearer ([^\s]+)$/i.exec(authorization ?? "")?.[1] ?? "";
    if (timingSafeEqual(digest(given), expected)) return;
    throw new CloudPhoenixError("UNAUTHORIZED", "the bearer token is missing or wrong", {
      retryable: false,
      hint: "Send `Authorization: Bearer <token>` with the token from the controller's api.token_file.",
    });
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
