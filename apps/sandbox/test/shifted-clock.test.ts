// Goal: a process with a wrong clock is wrong about the time of day, and about nothing else.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { withClockOffset } from "../src/world/programs.ts";

const HOUR_MS = 3_600_000;

const PROBE = `console.log(JSON.stringify({
  now: Date.now(),
  made: new Date().getTime(),
  given: new Date(5).getTime(),
  parts: new Date(2020, 0, 2).getDate(),
  isDate: new Date() instanceof Date,
  parsed: Date.parse("1970-01-01T00:00:01Z"),
  up: performance.now(),
}))`;

function seenWith(offsetMs: number): Readonly<Record<string, number | boolean>> {
  const { env } = withClockOffset({ program: "", args: [], env: {} }, offsetMs);
  const options = { encoding: "utf8", env: { ...process.env, ...env } } as const;
  return JSON.parse(execFileSync(process.execPath, ["-e", PROBE], options));
}

test.each([2 * HOUR_MS, -HOUR_MS])("a clock may be wrong by %i ms", (offsetMs) => {
  const before = Date.now();
  const seen = seenWith(offsetMs);

  for (const time of [seen["now"], seen["made"]]) {
    expect(time).toBeGreaterThanOrEqual(before + offsetMs);
    expect(time).toBeLessThanOrEqual(Date.now() + offsetMs);
  }
  expect(seen).toMatchObject({ given: 5, parts: 2, isDate: true, parsed: 1_000 });
  expect(seen["up"]).toBeLessThan(HOUR_MS);
});

test("a right clock changes nothing of the program", () => {
  const program = { program: "main.ts", args: [], env: { A: "1" } };

  expect(withClockOffset(program, 0)).toBe(program);
});
