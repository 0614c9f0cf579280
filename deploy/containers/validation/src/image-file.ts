/** A Dockerfile as the rules see it: stages, what they are based on, and their instructions. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Dockerfile,
  DockerfileParser,
  type Instruction as Parsed,
  ModifiableInstruction,
} from "dockerfile-ast";

export const repositoryRoot: string = join(import.meta.dirname, "../../../..");
export const containersRoot: string = join(repositoryRoot, "deploy/containers");

/** One instruction. */
export interface Instruction {
  /** In capitals. */
  readonly keyword: string;
  /** Counted from 1. */
  readonly line: number;
  /** What follows the keyword, with variables as they are written. */
  readonly text: string;
  /** `--name=value` flags, taken out of `words`. */
  readonly flags: Readonly<Record<string, string>>;
  readonly words: readonly string[];
  /** The words of a JSON array; null if the text is not one. */
  readonly exec: readonly string[] | null;
}

/** One stage. */
export interface Stage {
  readonly name: string;
  readonly line: number;
  /** The stage or image below it, with global arguments filled in. */
  readonly base: string;
  /** The global argument that is the whole of it; null if it is written out. */
  readonly argument: string | null;
  readonly instructions: readonly Instruction[];
}

/** All of it. */
export interface ImageFile {
  readonly stages: readonly Stage[];
  /** Instructions before the first stage. */
  readonly global: readonly Instruction[];
}

/** The program an entry point runs: what follows `node` and its options. Empty if there is none. */
export function scriptOf(entry: Instruction | undefined): string {
  return entry?.exec?.slice(1).find((word) => !word.startsWith("--")) ?? "";
}

/** Reads the project's Dockerfile. */
export function readDockerfile(): string {
  return readFileSync(join(containersRoot, "Dockerfile"), "utf8");
}

/** Never throws: what makes no sense shows as an unknown keyword or an empty base. */
export function parseImageFile(text: string): ImageFile {
  const file = DockerfileParser.parse(text);
  const all = file.getInstructions().map(instructionOf);
  const first = all.findIndex(({ keyword }) => keyword === "FROM");
  const global = first === -1 ? all : all.slice(0, first);
  const values = new Map(
    global
      .filter(({ keyword }) => keyword === "ARG")
      .map(({ text: argument }): [string, string] => {
        const [name = "", ...value] = argument.split("=");
        return [name, value.join("=")];
      }),
  );
  return { global, stages: stagesOf(file, values) };
}

/** The stage and the stages below it, itself first. */
export function lineageOf(file: ImageFile, stage: Stage): readonly Stage[] {
  const below = file.stages.find(({ name }) => name === stage.base);
  return below === undefined ? [stage] : [stage, ...lineageOf(file, below)];
}

/** Stages that are shipped: those that say what to run. */
export function imagesOf(file: ImageFile): readonly Stage[] {
  const runs = ({ instructions }: Stage): boolean =>
    instructions.some(({ keyword }) => keyword === "ENTRYPOINT" || keyword === "CMD");
  return file.stages.filter(runs);
}

/** Instructions of one kind that are in force in an image, the innermost first. */
export function inForce(file: ImageFile, image: Stage, keyword: string): readonly Instruction[] {
  return lineageOf(file, image).flatMap(({ instructions }) =>
    instructions.filter((each) => each.keyword === keyword).toReversed(),
  );
}

function stagesOf(file: Dockerfile, values: ReadonlyMap<string, string>): readonly Stage[] {
  const all = file.getInstructions().map(instructionOf);
  const starts = all.flatMap(({ keyword }, index) => (keyword === "FROM" ? [index] : []));
  return starts.map((start, number) => {
    const from = all[start];
    const [image = "", as, name] = from?.words ?? [];
    return {
      name: as?.toUpperCase() === "AS" && name !== undefined ? name : String(number),
      line: from?.line ?? 0,
      base: image.replaceAll(/\$\{?(\w+)\}?/g, (_, variable: string) => values.get(variable) ?? ""),
      argument: /^(?:--\S+\s+)*\$\{?(\w+)\}?(?:\s|$)/.exec(from?.text ?? "")?.[1] ?? null,
      instructions: all.slice(start + 1, starts[number + 1]),
    };
  });
}

function instructionOf(parsed: Parsed): Instruction {
  const text = parsed.getRawArgumentsContent() ?? "";
  return {
    keyword: parsed.getKeyword(),
    line: parsed.getRange().start.line + 1,
    text,
    flags: flagsOf(parsed),
    words: parsed.getExpandedArguments().map((argument) => argument.getValue()),
    exec: execOf(text),
  };
}

function flagsOf(parsed: Parsed): Readonly<Record<string, string>> {
  if (!(parsed instanceof ModifiableInstruction)) return {};
  const flags = parsed.getFlags().map((flag) => [flag.getName(), flag.getValue() ?? ""]);
  return Object.fromEntries(flags);
}

/** The array at the end of the text: `HEALTHCHECK --interval=… CMD ["node"]` has one, too. */
function execOf(text: string): readonly string[] | null {
  const start = text.indexOf("[");
  if (start === -1) return null;
  try {
    const parsed: unknown = JSON.parse(text.slice(start));
    return Array.isArray(parsed) && parsed.every((word) => typeof word === "string")
      ? parsed
      : null;
  } catch {
    return null;
  }
}
