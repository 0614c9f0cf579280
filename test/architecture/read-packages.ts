/** Reads the workspace packages from disk into the facts the import rules are checked on. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { PackageFacts } from "./import-rules.ts";

const GROUPS = ["packages", "adapters", "services", "apps"];

/** Facts of every workspace package below `root`, in folder order. */
export function readPackages(root: string): readonly PackageFacts[] {
  return GROUPS.flatMap((group) =>
    readdirSync(join(root, group), { withFileTypes: true })
      .filter((entry) => existsSync(join(root, group, entry.name, "package.json")))
      .map((entry) => readPackage(root, `${group}/${entry.name}`)),
  );
}

function readPackage(root: string, folder: string): PackageFacts {
  const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as {
    readonly name: string;
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  const source = join(root, folder, "src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.tsx?$/.test(file),
  );
  return {
    folder,
    name: manifest.name,
    dependencies: Object.keys(manifest.dependencies ?? {}),
    imports: files.flatMap((file) => importsOf(root, join(source, file))),
  };
}

/** Package names that a file imports, statically or dynamically; relative imports are left out. */
function importsOf(root: string, path: string): PackageFacts["imports"] {
  const text = readFileSync(path, "utf8");
  const specifiers = [
    ...text.matchAll(/^\s*(?:import|export)\b[^;]*?from\s+"([^"]+)"/gm),
    ...text.matchAll(/^\s*import\s+"([^"]+)"/gm),
    ...text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g),
  ].flatMap((match) => match[1] ?? []);
  return specifiers
    .filter((specifier) => !specifier.startsWith("."))
    .map((specifier) => ({ file: relative(root, path), from: packageNameOf(specifier) }));
}

function packageNameOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
