import { describe, expect, test } from "vitest";
import { refused } from "./validated.ts";

describe("text that is not a configuration", () => {
  test.each([
    ["an empty file", "", 1, /is empty/],
    ["a list", "- a\n", 1, /must be a map, not a list/],
    ["a word", "hello\n", 1, /is not a configuration/],
    ["a key twice", "version: 1\nversion: 1\n", 2, /the same key stands here twice/],
    ["broken YAML", "version: 1\nsites: [\n", 3, /not valid YAML/],
    ["an alias bomb", alias(), 1, /uses too many aliases/],
  ])("is refused: %s", (_, text, line, message) => {
    const [first] = refused(text);
    expect(first?.message).toMatch(message);
    expect(first?.line).toBe(line);
  });

  test("is refused unread if it is huge", () => {
    expect(refused(`# ${"x".repeat(1_000_001)}`)[0]?.message).toMatch(/larger than/);
  });
});

function alias(): string {
  const levels = Array.from({ length: 8 }, (_, index) =>
    index === 0 ? "a0: &a0 [x,x]" : `a${index}: &a${index} [${`*a${index - 1},`.repeat(9)}]`,
  );
  return `${levels.join("\n")}\n`;
}
