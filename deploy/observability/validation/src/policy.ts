/** A rule that files must keep. */
import type { ObservabilityFiles } from "./files.ts";

export interface Policy {
  readonly name: string;
  /** One sentence for each thing that is wrong. */
  readonly check: (files: ObservabilityFiles) => readonly string[];
}

/** Labels that Prometheus adds to whatever it scrapes. */
export const TARGET_LABELS: readonly string[] = ["job", "instance", "namespace", "pod"];

/** Would make a series, or a stream, for each request or person. */
export const ENDLESS_LABELS: readonly string[] =
  "request_id requestId trace_id traceId span_id customer email path url ip user pod".split(" ");
