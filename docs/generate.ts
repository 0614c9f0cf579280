/**
 * Writes the documents that are made from code, and checks that they are current:
 * `docs/reference/cli.md` from the commands, `configuration.md` from the schema, `errors.md` from the
 * codes, `metrics.md` from the registries of the programs, and the tables in
 * `docs/concepts/scoring-and-decision.md` from the defaults. With `--check` it writes nothing and
 * exits 1 if a document differs, names a command or links to a file that does not exist, or if a map of
 * `deploy/` misses a folder.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { cliReference, commandPaths } from "./cli-reference.ts";
import { configurationPage } from "./configuration-page.ts";
import { unmappedFolders } from "./deploy-map.ts";
import { errorsPage } from "./errors-page.ts";
import { metricsPage } from "./metrics-page.ts";
import { scoringPage } from "./scoring-page.ts";

const docs = import.meta.dirname;
const root = join(docs, "..");

const pages: Readonly<Record<string, () => string>> = {
  "reference/cli.md": cliReference,
  "reference/configuration.md": configurationPage,
  "reference/errors.md": errorsPage,
  "reference/metrics.md": metricsPage,
  "concepts/scoring-and-decision.md": () =>
    scoringPage(readFileSync(join(docs, "concepts/scoring-and-decision.md"), "utf8")),
};

const check = process.argv.includes("--check");
const problems: string[] = [];

for (const [name, render] of Object.entries(pages)) {
  const path = join(docs, name);
  const text = render();
  if (!check) writeFileSync(path, text);
  else if (readOrEmpty(path) !== text) problems.push(`docs/${name} is not current: npm run docs`);
}
problems.push(...unknownCommands(), ...brokenLinks(), ...unmappedFolders());

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(check ? "docs are current" : `wrote ${Object.keys(pages).length} pages`);

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function markdownFiles(): readonly string[] {
  const below = [docs, join(root, "deploy")].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md"))
      .map((file) => join(folder, file)),
  );
  const top = readdirSync(root)
    .filter((file) => file.endsWith(".md"))
    .map((file) => join(root, file));
  return [...top, ...below];
}

/** Commands and npm scripts that a document tells people to type but that do not exist. */
function unknownCommands(): readonly string[] {
  const commands = commandPaths();
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  return markdownFiles().flatMap((path) => {
    const text = readFileSync(path, "utf8");
    const file = relative(root, path);
    const typed = [...text.matchAll(/(?:npx |^|`)cloudphoenix ([a-z][a-z-]*(?: [a-z][a-z-]*)?)/gm)];
    const missing = typed
      .map((match) => match[1] ?? "")
      .filter((words) => !commands.has(words) && !commands.has(words.split(" ")[0] ?? ""))
      .map((words) => `${file} names an unknown command: cloudphoenix ${words}`);
    const scripts = [...text.matchAll(/npm run ([a-z:]+)/g)]
      .map((match) => match[1] ?? "")
      .filter((script) => !(script in manifest.scripts))
      .map((script) => `${file} names an unknown script: npm run ${script}`);
    return [...missing, ...scripts];
  });
}

/** Relative links and paths in documents that lead nowhere. */
function brokenLinks(): readonly string[] {
  return markdownFiles().flatMap((path) => {
    const text = readFileSync(path, "utf8");
    return [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
      .map((match) => match[1] ?? "")
      .filter((target) => !exists(join(path, "..", target)))
      .map((target) => `${relative(root, path)} links to ${target}, which does not exist`);
  });
}

function exists(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return readOrEmpty(path) !== "";
  }
}
