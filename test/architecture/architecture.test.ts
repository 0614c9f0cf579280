import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { violationsOf } from "./import-rules.ts";
import { readPackages } from "./read-packages.ts";

const root = join(import.meta.dirname, "../..");
const planted = mkdtempSync(join(tmpdir(), "architecture-"));

afterAll(() => {
  rmSync(planted, { recursive: true });
});

test("every package imports only what the layer table allows", () => {
  const packages = readPackages(root);

  expect(violationsOf(packages)).toEqual([]);
});

test("the check has really read the packages and their imports", () => {
  const packages = readPackages(root);

  expect(packages.length).toBeGreaterThanOrEqual(15);
  expect(packages.map((facts) => facts.folder)).toContain("packages/core");
  expect(packages.flatMap((facts) => facts.imports).length).toBeGreaterThan(100);
});

test("planted violations are found in the manifest and in the source", () => {
  for (const group of ["packages", "adapters", "services", "apps"]) mkdirSync(join(planted, group));
  plant("packages/core", { dependencies: {} }, 'export { readFileSync } from "node:fs";');
  plant(
    "packages/engine",
    { dependencies: { "@cloudphoenix/dns": "1" } },
    'import { x } from "@cloudphoenix/core";\nexport const y = x;',
  );
  plant("adapters/dns", { dependencies: {} }, 'export const late = () => import("left-pad");');
  plant("adapters/postgres", { dependencies: {} }, 'import "@cloudphoenix/dns";');
  plant("services/orders", { dependencies: { "@cloudphoenix/core": "1" } }, "export {};");

  expect(violationsOf(readPackages(planted))).toEqual([
    "packages/core/src/index.ts may not import node:fs",
    "packages/engine/package.json may not depend on @cloudphoenix/dns",
    "packages/engine/src/index.ts imports undeclared @cloudphoenix/core",
    "adapters/dns/src/index.ts imports undeclared left-pad",
    "adapters/postgres/src/index.ts may not import @cloudphoenix/dns",
    "services/orders/package.json may not depend on @cloudphoenix/core",
  ]);
});

function plant(folder: string, manifest: object, source: string): void {
  mkdirSync(join(planted, folder, "src"), { recursive: true });
  const name = `@cloudphoenix/${folder.split("/")[1]}`;
  writeFileSync(join(planted, folder, "package.json"), JSON.stringify({ name, ...manifest }));
  writeFileSync(join(planted, folder, "src/index.ts"), source);
}
