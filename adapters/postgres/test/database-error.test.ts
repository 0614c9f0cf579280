import { DatabaseError } from "pg";
import { describe, expect, test } from "vitest";
import { databaseError, leavesSessionUsable } from "../src/database-error.ts";

/** As the driver hands over what a server said. */
function answer(code: string): DatabaseError {
  const error = new DatabaseError("refused", 0, "error");
  error.code = code;
  return error;
}

function meaningOf(error: unknown): { readonly code: string; readonly retryable: boolean } {
  return databaseError(error, "site a (db:5432)");
}

describe("what passes is tried again:", () => {
  test.each([
    ["a primary that only answers reads after a failover", "25006", "CONFLICT"],
    ["a transaction that took too long for the server", "25P04", "UNREACHABLE"],
    ["a server that is out of memory", "53200", "INTERNAL"],
    ["a server that has too many connections", "53300", "UNREACHABLE"],
    ["a slot that is in use by a session just ending", "55006", "CONFLICT"],
    ["a server that starts up, or recovers", "57P03", "UNREACHABLE"],
    ["a disk that failed to read", "58030", "INTERNAL"],
    ["a catalogue row that two changed at once", "XX000", "INTERNAL"],
  ])("%s", (_, sqlState, code) => {
    expect(meaningOf(answer(sqlState))).toMatchObject({ code, retryable: true });
  });

  test("a certificate that is being replaced", () => {
    const error = Object.assign(new Error("unable to verify the first certificate"), {
      code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    });
    expect(meaningOf(error)).toMatchObject({ code: "UNREACHABLE", retryable: true });
  });
});

test.each([
  ["a syntax error", "42601", "INTERNAL"],
  ["a right that is missing", "42501", "UNAUTHORIZED"],
  ["a row that is there already", "23505", "INTERNAL"],
])("%s is final", (_, sqlState, code) => {
  expect(meaningOf(answer(sqlState))).toMatchObject({ code, retryable: false });
});

test("a session with a server that takes no writes, or that ended it, is not lent again", () => {
  const ended = ["25006", "25P03", "25P04", "57P01", "57P05", "08006"];
  expect(ended.filter((state) => leavesSessionUsable(answer(state)))).toEqual([]);
  expect(leavesSessionUsable(answer("23505"))).toBe(true);
});
