import type { Workflow } from "./workflow-file.ts";

/** What rules look at beside the workflows. */
export interface Surroundings {
  /** Targets of the Dockerfile that are shipped. */
  readonly images: readonly string[];
  /** Scripts of package.json. */
  readonly scripts: readonly string[];
  /** The text of `.ci/run`. */
  readonly ci: string;
  readonly exists: (path: string) => boolean;
}

/** One rule of this project about workflows. */
export interface Rule {
  readonly name: string;
  /** Sentences about what breaks it. */
  readonly check: (workflows: readonly Workflow[], surroundings: Surroundings) => readonly string[];
}
