import { describe, expect, test } from "vitest";
import { readArguments } from "../src/arguments.ts";

describe("the command line of a worker", () => {
  test("says how much it may move; what it leaves out is as the file says", () => {
    expect(readArguments(["--config", "shop.yaml"]).bytesPerSecond).toBeNull();
    const { bytesPerSecond } = readArguments(["--config", "shop.yaml", "--bandwidth", "20MiB"]);
    expect(bytesPerSecond).toBe(20 * 1024 * 1024);
  });

  test.each(["fast", "20Mbit", "0", "-1MiB", "1KB", "63KiB"])(
    "refuses a bandwidth of %s",
    (bandwidth) => {
      expect(() => readArguments(["--config", "shop.yaml", `--bandwidth=${bandwidth}`])).toThrow(
        expect.objectContaining({ code: "BAD_REQUEST", hint: expect.stringContaining("64MiB") }),
      );
    },
  );
});
