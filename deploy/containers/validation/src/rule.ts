import type { ImageFile, Instruction, Stage } from "./image-file.ts";

/** What rules look at beside the Dockerfile. */
export interface Surroundings {
  /** Lines of the ignore file; null if there is none. */
  readonly ignored: readonly string[] | null;
  /** Containers of the manifests that run an image of this project. */
  readonly containers: readonly ManifestContainer[];
  /** The workflow that builds and pushes the images. */
  readonly pipeline: string;
  /** Whether a file of the repository exists. */
  readonly exists: (path: string) => boolean;
}

/** A container as a manifest has it. */
export interface ManifestContainer {
  /** Name of the image without the project's prefix. */
  readonly image: string;
  readonly name: string;
  readonly command: readonly string[];
  readonly runAsUser: number | null;
}

/** One rule of this project about images. */
export interface Rule {
  readonly name: string;
  /** Sentences about what breaks it. */
  readonly check: (file: ImageFile, surroundings: Surroundings) => readonly string[];
}

/** Where a finding is, for people. */
export function at(stage: Stage, instruction?: Instruction): string {
  return `${stage.name}, line ${instruction?.line ?? stage.line}`;
}
