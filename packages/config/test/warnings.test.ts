import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { exampleWith } from "./example.ts";
import { accepted, placeOf } from "./validated.ts";

function warningsOf(text: string): readonly string[] {
  return accepted(text).warnings.map(({ message }) => message);
}

test("the configuration that is shipped for the clusters can do all it says", async () => {
  const file = new URL(
    "../../../deploy/kubernetes/base/configuration/cloudphoenix.yaml",
    import.meta.url,
  );
  expect(warningsOf(await readFile(file, "utf8"))).toEqual([]);
});

describe("warnings", () => {
  test("tell when the evidence a level needs does not exist", () => {
    const text = exampleWith("hold: { dr: 2s }", "evidence_min: { dr: 4 }");
    expect(warningsOf(text)).toContain(
      "level dr can never act on its own for aws-us-east-1: it needs 4 failure domains that agree and 3 exist",
    );
  });

  test("tell when nobody looks from the other cloud", () => {
    const text = exampleWith("site: azure-westeurope\n    failure_domain", "failure_domain");
    expect(warningsOf(text)).toContain(
      "level dr can never act on its own for aws-us-east-1: nobody looks at it from the other cloud",
    );
  });

  test("tell when the points cannot reach a band", () => {
    const text = exampleWith("hold: { dr: 2s }", "bands: { dr: 50 }");
    expect(warningsOf(text)).toContain(
      "the signals of aws-us-east-1 add up to 15 points at most, level dr starts at 50",
    );
  });

  test("tell when a vantage cannot notice that it is blind", () => {
    const text = exampleWith(', canaries: ["http://127.0.0.1:20110/live"] }', " }");
    const [warning] = accepted(text).warnings;
    expect(warning).toMatchObject({ severity: "warning", ...placeOf(text, "id: control") });
    expect(warning?.message).toMatch(/vantage control has no canaries/);
  });
});
