import { CloudPhoenixError } from "@cloudphoenix/core";
import { expect, test, vi } from "vitest";
import { exitCodeFor, explain } from "../src/index.ts";

function failure(code: "BAD_REQUEST" | "CONFIG_INVALID" | "CONFIG_UNREADABLE"): CloudPhoenixError {
  return new CloudPhoenixError(code, "wrong", { retryable: false, hint: "Do it so." });
}

test.each([
  ["a wrong command line", failure("BAD_REQUEST"), 64],
  ["a wrong configuration", failure("CONFIG_INVALID"), 78],
  ["a configuration that cannot be read", failure("CONFIG_UNREADABLE"), 78],
  ["anything else", new Error("broken"), 1],
])("%s has its exit code", (_what, error, code) => {
  expect(exitCodeFor(error)).toBe(code);
});

test("an error is told in words, with what to do, and without a stack", () => {
  const written: string[] = [];
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  explain(failure("BAD_REQUEST"));
  spy.mockRestore();
  expect(written.join("")).toBe("error: wrong\nDo it so.\n");
});
