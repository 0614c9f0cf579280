/** What the S3 server's own process is told on its standard input, and what it says when it serves. */
import type { ControlOptions } from "../control/control-server.ts";
import type { LocalS3Options } from "../s3/start-local-s3.ts";

/** The options that can travel as JSON, and the port that steers the process. */
export interface LocalS3Spec extends Omit<LocalS3Options, "now" | "onInternalError" | "random"> {
  readonly control: ControlOptions;
}

/** Where it listens. */
export interface LocalS3Ready {
  readonly endpoint: string;
  readonly queueEndpoint: string | null;
  readonly controlEndpoint: string;
}
