import type { PlannedResource } from "./planned-resource.ts";

/** A rule over everything that would be made. */
export interface Policy {
  readonly name: string;
  /** One sentence for each resource that breaks it. */
  readonly check: (resources: readonly PlannedResource[]) => readonly string[];
}
