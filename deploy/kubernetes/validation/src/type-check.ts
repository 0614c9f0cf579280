/**
 * Every document against the types of its kind, as the Kubernetes API and the operators publish them. The
 * compiler refuses a field that does not exist at any depth, a wrong type and a missing field; the
 * validators refuse values outside of an enumeration, a range or a pattern.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Json, kindOf, text, titleOf } from "./document.ts";

const root = join(import.meta.dirname, "../../../..");
const LIMIT_MS = 300_000;

/** Packages of the kinds that operators bring; the rest is the core API. */
const OPERATORS: Readonly<Record<string, string>> = {
  "external-secrets.io": "@kubernetes-models/external-secrets/external-secrets.io",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator/monitoring.coreos.com",
};
/** The one kind that has its interface here; see `target-group-binding.ts`. */
const OWN = "elbv2.k8s.aws";

const OPTIONS = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  module: "nodenext",
  target: "es2022",
  types: [],
  allowImportingTsExtensions: true,
};

/** Findings for each of `documents`, in their order; empty lists for those that are right. */
export async function typeFindings(
  documents: readonly Json[],
): Promise<readonly (readonly string[])[]> {
  const [compiled, validated] = await Promise.all([
    compile(documents),
    Promise.all(documents.map(validate)),
  ]);
  return documents.map((document, index) => [
    ...unstable(document),
    ...(compiled[index] ?? []),
    ...(validated[index] ?? []),
  ]);
}

/** The packages still describe API versions that clusters of today have lost; stable ones stay. */
function unstable(document: Json): readonly string[] {
  const [version = "", group = ""] = text(document, "apiVersion").split("/").toReversed();
  const isCore = group !== OWN && OPERATORS[group] === undefined;
  return isCore && !/^v\d+$/.test(version)
    ? [`${titleOf(document)} is of version ${version}, which a cluster may have lost`]
    : [];
}

/** The module that describes a document's kind. */
function moduleOf(document: Json): string {
  const [version = "", group = ""] = text(document, "apiVersion").split("/").toReversed();
  const kind = kindOf(document);
  if (group === OWN) return join(import.meta.dirname, "target-group-binding.ts");
  const base = OPERATORS[group] ?? ["kubernetes-models", group].filter(Boolean).join("/");
  return `${base}/${version}/${kind}`;
}

async function compile(documents: readonly Json[]): Promise<readonly (readonly string[])[]> {
  // Beside the packages, so that the compiler finds them as it finds everything else.
  mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
  const folder = mkdtempSync(join(root, "node_modules/.cache/manifests-"));
  try {
    const starts: number[] = [];
    const lines: string[] = [];
    for (const [index, document] of documents.entries()) {
      starts.push(lines.length + 1);
      lines.push(
        `import type { I${kindOf(document)} as K${index} } from ${JSON.stringify(moduleOf(document))};`,
        ...`export const d${index}: K${index} = ${JSON.stringify(document, null, 1)};`.split("\n"),
      );
    }
    writeFileSync(join(folder, "manifests.ts"), lines.join("\n"));
    const settings = { compilerOptions: OPTIONS, files: ["manifests.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
    const said = await compilerSays(folder);
    return documents.map((document, index) =>
      said
        .filter(({ line }) => starts.findLastIndex((start) => start <= line) === index)
        .map(({ message }) => `${titleOf(document)}: ${message}`),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Diagnostic {
  readonly line: number;
  readonly message: string;
}

/** @throws {Error} if the compiler fails without saying where */
async function compilerSays(folder: string): Promise<readonly Diagnostic[]> {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const output = await promisify(execFile)(process.execPath, [compiler, "-p", folder], {
    timeout: LIMIT_MS,
    maxBuffer: 16 * 1024 * 1024,
  }).then(
    () => "",
    ({ stdout = "", message }: { readonly stdout?: string; readonly message: string }) => {
      if (!stdout.includes("manifests.ts(")) throw new Error(stdout || message);
      return stdout;
    },
  );
  return [...output.matchAll(/manifests\.ts\((\d+),\d+\): error TS\d+: (.*)/g)].map(
    ([, line = "", message = ""]) => ({ line: Number(line), message }),
  );
}

async function validate(document: Json): Promise<readonly string[]> {
  const path = moduleOf(document);
  if (path.endsWith(".ts")) return [];
  // A kind or version that is not there is the compiler's to report.
  const module = (await import(path).catch(() => ({}))) as Readonly<Record<string, ModelClass>>;
  const Model = module[kindOf(document)];
  if (Model === undefined) return [];
  try {
    new Model(document).validate();
    return [];
  } catch (error) {
    const { message } = error as Error;
    return [`${titleOf(document)}: ${message.replace(/\s+/g, " ")}`];
  }
}

type ModelClass = new (document: Json) => { validate(): void };
