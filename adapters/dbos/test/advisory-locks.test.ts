import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ADVISORY_LOCKS } from "../src/state/advisory-locks.ts";

const SOURCE = new URL("../src/", import.meta.url);

test("no two things in the state database are locked by the same number", () => {
  const numbers = Object.values(ADVISORY_LOCKS);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test("whoever takes an advisory lock takes its number from the one list", () => {
  const takers = globSync("**/*.ts", { cwd: SOURCE }).filter((file) =>
    /pg_(try_)?advisory_/u.test(readFileSync(new URL(file, SOURCE), "utf8")),
  );
  expect(takers.length).toBeGreaterThan(3);
  for (const taker of takers) {
    const source = readFileSync(new URL(taker, SOURCE), "utf8");
    expect(source, taker).toMatch(/ADVISORY_LOCKS\.\w+/u);
    expect(source, taker).not.toMatch(/7_?214_?00\d/u);
  }
});
