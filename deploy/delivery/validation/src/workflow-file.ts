/** A GitHub workflow as the rules see it: its text and its parts. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export const repositoryRoot: string = join(import.meta.dirname, "../../../..");
const folder = join(repositoryRoot, ".github/workflows");

/** Plain data of a YAML file. */
export type Data = Readonly<Record<string, unknown>>;

/** One step. */
interface Step {
  readonly data: Data;
  readonly uses: string;
  readonly run: string;
}

/** One job. */
export interface Job {
  readonly name: string;
  readonly data: Data;
  readonly steps: readonly Step[];
  /** Jobs it waits for. */
  readonly needs: readonly string[];
  /** The workflow it calls; empty if it has steps of its own. */
  readonly calls: string;
}

/** One workflow. */
export interface Workflow {
  /** Name of the file. */
  readonly file: string;
  readonly text: string;
  readonly data: Data;
  readonly jobs: readonly Job[];
}

/** Texts of the project's workflows by file name. */
export function readWorkflows(): Readonly<Record<string, string>> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yml"));
  return Object.fromEntries(
    files.toSorted().map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}

/** @throws {Error} if a text is not YAML */
export function parseWorkflows(texts: Readonly<Record<string, string>>): readonly Workflow[] {
  return Object.entries(texts).map(([file, text]) => {
    const data = dataOf(parse(text));
    const jobs = Object.entries(dataOf(data["jobs"])).map(([name, job]) =>
      jobOf(name, dataOf(job)),
    );
    return { file, text, data, jobs };
  });
}

/** The value as a map; empty if it is none. */
export function dataOf(value: unknown): Data {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  return isMap ? Object.fromEntries(Object.entries(value)) : {};
}

/** Events that start it, as keys. */
export function triggersOf({ data }: Workflow): readonly string[] {
  const on = data["on"];
  if (typeof on === "string") return [on];
  return Array.isArray(on) ? on.map(String) : Object.keys(dataOf(on));
}

function jobOf(name: string, data: Data): Job {
  const steps = Array.isArray(data["steps"]) ? data["steps"].map(dataOf) : [];
  const needs: readonly unknown[] = [data["needs"] ?? []].flat();
  return {
    name,
    data,
    needs: needs.filter((need) => typeof need === "string"),
    calls: typeof data["uses"] === "string" ? data["uses"] : "",
    steps: steps.map((step) => ({
      data: step,
      uses: typeof step["uses"] === "string" ? step["uses"] : "",
      run: typeof step["run"] === "string" ? step["run"] : "",
    })),
  };
}
