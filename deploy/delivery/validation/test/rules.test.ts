import { describe, expect, test } from "vitest";
import { checkRules, rules } from "../src/check-rules.ts";
import { lintWorkflows } from "../src/actionlint.ts";
import { isFound, isFoundByLinter, linterMistakes, mistakes } from "../src/planted-mistakes.ts";
import { readSurroundings } from "../src/surroundings.ts";
import { readWorkflows } from "../src/workflow-file.ts";

const texts = readWorkflows();
const surroundings = readSurroundings();

test("the workflows of this project break no rule", () => {
  expect(checkRules(texts, surroundings)).toEqual([]);
});

test("every rule has a planted mistake", () => {
  const planted = new Set(mistakes.map(({ rule }) => rule));
  expect(rules.map(({ name }) => name).filter((name) => !planted.has(name))).toEqual([]);
});

test("no workflow at all is not taken for a good one", () => {
  expect(() => checkRules({}, surroundings)).toThrow("nothing to check");
});

test("a gate that .ci/run forgets is missed", () => {
  const forgotten = { ...surroundings, scripts: [...surroundings.scripts, "validate:nothing"] };
  expect(checkRules(texts, forgotten)).toEqual([
    "every-gate-runs: .ci/run does not run npm run validate:nothing",
  ]);
});

test("a new image that no workflow builds is missed", () => {
  const more = { ...surroundings, images: [...surroundings.images, "archive"] };
  expect(checkRules(texts, more).join("\n")).toContain("every-image-is-built: images.yml scan");
});

describe("the rule", () => {
  test.each(mistakes)("$rule refuses $what", (mistake) => {
    expect(isFound(mistake, texts, surroundings)).toBe(true);
  });
});

describe("actionlint", () => {
  test("finds nothing in the workflows of this project", async () => {
    expect(await lintWorkflows(texts)).toEqual([]);
  });

  test.each(linterMistakes)("refuses $what", async (mistake) => {
    expect(await isFoundByLinter(mistake, texts)).toBe(true);
  });
});
