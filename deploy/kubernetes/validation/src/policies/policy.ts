import type { Cluster } from "../cluster.ts";

/** One rule of this project. A finding is a sentence that names the document. */
export interface Policy {
  readonly name: string;
  readonly check: (cluster: Cluster) => readonly string[];
}
