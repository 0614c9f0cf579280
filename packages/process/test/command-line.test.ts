import { expect, test } from "vitest";
import { exitCodeFor, readOptions, wrongCommandLine } from "../src/index.ts";

const OPTIONS = {
  config: { type: "string" },
  level: { type: "string", default: "info" },
  follow: { type: "boolean", default: true },
} as const;

function read(args: string[]): ReturnType<typeof readOptions<{ options: typeof OPTIONS }>> {
  return readOptions({ args, options: OPTIONS, allowNegative: true }, "usage: node main.ts");
}

test("options are read by name, with their defaults", () => {
  expect({ ...read(["--config", "shop.yaml", "--no-follow"]) }).toEqual({
    config: "shop.yaml",
    level: "info",
    follow: false,
  });
});

test.each([
  ["an option that nobody knows", ["--confg", "shop.yaml"], "--confg"],
  ["an option without its value", ["--config"], "--config"],
  ["a word that no option takes", ["shop.yaml"], "shop.yaml"],
])("%s is refused by name, with the usage", (_, args, named) => {
  expect(() => read(args)).toThrow(
    expect.objectContaining({
      code: "BAD_REQUEST",
      message: expect.stringContaining(named),
      hint: "usage: node main.ts",
    }),
  );
});

test("a wrong command line is no use trying again, and has the exit code for it", () => {
  const wrong = wrongCommandLine("--config is missing", "usage: node main.ts");
  expect(wrong).toMatchObject({
    message: "--config is missing",
    hint: "usage: node main.ts",
    retryable: false,
  });
  expect(exitCodeFor(wrong)).toBe(64);
});
