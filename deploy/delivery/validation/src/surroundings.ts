/** What the rules compare the workflows with, read from the repository. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  imagesOf,
  parseImageFile,
  readDockerfile,
} from "../../../containers/validation/src/image-file.ts";
import type { Surroundings } from "./rule.ts";
import { repositoryRoot } from "./workflow-file.ts";

/** Reads it anew. */
export function readSurroundings(): Surroundings {
  const { scripts } = JSON.parse(read("package.json")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  return {
    images: imagesOf(parseImageFile(readDockerfile())).map(({ name }) => name),
    scripts: Object.keys(scripts),
    ci: read(".ci/run"),
    exists: (path) => existsSync(join(repositoryRoot, path)),
  };
}

function read(path: string): string {
  return readFileSync(join(repositoryRoot, path), "utf8");
}
