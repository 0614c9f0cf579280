import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { cameHome, listedExactly, namedAlone } from "../src/demo/circle-objects.ts";

const HOME = "aws-us-east-1";

describe("what only the returned site has", () => {
  test("is listed if the product names all of it; what was made again meanwhile may be missing", () => {
    const alone = { before: ["a", "b", "c"], after: ["a"], named: ["a", "c"], trouble: null };

    const [promise] = listedExactly(alone, HOME);

    expect(promise).toMatchObject({ held: true });
    expect(promise?.detail).toContain("2 listed");
  });

  test.each([
    ["one is not named", { before: ["a", "b"], after: ["a", "b"], named: ["a"], trouble: null }],
    ["one is named that is elsewhere", { before: ["a"], after: [], named: ["b"], trouble: null }],
    ["nothing could be listed", { before: [], after: [], named: null, trouble: "no answer" }],
  ])("is not kept when %s", (_, alone) => {
    expect(listedExactly(alone, HOME)).toMatchObject([{ held: false }]);
  });

  test("is no promise without objects", () => {
    expect(listedExactly(null, HOME)).toEqual([]);
  });

  test("is read from the exported list: keys under which the writer has nothing", () => {
    const folder = mkdtempSync(join(tmpdir(), "circle-objects-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "lost.objects.jsonl");
    const there = { sizeBytes: 1, modifiedMs: 1 };
    const found = [
      { key: "a", kind: "only-there", ...there, writer: null },
      { key: "b", kind: "differs", ...there, writer: there },
      { key: "c", kind: "outdated", ...there, writer: null },
    ];
    writeFileSync(file, found.map((one) => `${JSON.stringify(one)}\n`).join(""));
    expect(namedAlone(file)).toEqual(["a", "c"]);
    writeFileSync(file, "");
    expect(namedAlone(file)).toEqual([]);
  });
});

describe("the copy home", () => {
  const sites = { home: HOME, away: "azure-westeurope" };

  test("is kept once it has caught up, and says how far it is behind", () => {
    const [promise] = cameHome({ caughtUpMs: 9_000.4, behindMs: 425.2 }, sites);
    expect(promise).toMatchObject({
      held: true,
      detail: "caught up after 9000 ms, then 425 ms behind",
    });
  });

  test("is not kept if it never did, and no promise without objects", () => {
    expect(cameHome({ caughtUpMs: 9_000, behindMs: null }, sites)).toMatchObject([{ held: false }]);
    expect(cameHome({ caughtUpMs: null, behindMs: null }, sites)).toMatchObject([{ held: false }]);
    expect(cameHome(null, sites)).toEqual([]);
  });
});
