import type { ObjectPlace } from "@cloudphoenix/objects";

/** A place that has to be closed. */
export interface OpenPlace extends ObjectPlace {
  close(): void;
}
