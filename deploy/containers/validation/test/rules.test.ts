import { describe, expect, test } from "vitest";
import { parseImageFile, readDockerfile } from "../src/image-file.ts";
import { isFound, mistakes } from "../src/planted-mistakes.ts";
import { checkRules, rules } from "../src/rules.ts";
import { readSurroundings } from "../src/surroundings.ts";

const text = readDockerfile();
const surroundings = readSurroundings();

test("the images of this project break no rule", () => {
  expect(checkRules(parseImageFile(text), surroundings)).toEqual([]);
});

test("the manifests' containers were found to compare with", () => {
  const images = new Set(surroundings.containers.map(({ image }) => image));
  expect([...images].toSorted()).toEqual([
    "agent",
    "controller",
    "fulfilment",
    "orders",
    "storefront",
    "worker",
  ]);
});

test("every rule has a planted mistake", () => {
  const planted = new Set(mistakes.map(({ rule }) => rule));
  expect(rules.map(({ name }) => name).filter((name) => !planted.has(name))).toEqual([]);
});

test("a file without images is not taken for a good one", () => {
  expect(() => checkRules(parseImageFile("FROM scratch AS x\n"), surroundings)).toThrow(
    "nothing to check",
  );
});

describe("the rule", () => {
  test.each(mistakes)("$rule refuses $what", (mistake) => {
    expect(isFound(mistake, text, surroundings)).toBe(true);
  });
});
