import { expect, test } from "vitest";
import { readFiles } from "../src/files.ts";
import { mistakes } from "../src/planted-mistakes.ts";
import { checkPolicies } from "../src/policies.ts";

const files = readFiles();

test("alerts, their tests and their runbooks keep every rule", () => {
  expect(checkPolicies(files)).toEqual([]);
});

test.each(mistakes.map(({ policy, what, plant }) => [what, policy, plant] as const))(
  "%s is refused by %s",
  (_, policy, plant) => {
    expect(checkPolicies(plant(files)).join("\n")).toContain(`${policy}: `);
  },
);
