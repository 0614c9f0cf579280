/** What may be said about a sandbox before it starts. */
import type { DurabilityMode } from "@cloudphoenix/core";
import type { PolicyDocument } from "./configuration-document.ts";

export interface WorldOptions {
  /** Several sandboxes of different names run side by side. */
  readonly name: string;
  /** Folder of all sandboxes, for instance `.cloudphoenix`. */
  readonly directory: string;
  /** Default `async`. */
  readonly durability?: DurabilityMode;
  /** One way between the two sites, ms. Default 20: two regions a few thousand kilometres apart. */
  readonly delayMs?: number;
  /** Writes per second of the client load, once it is started. Default 200. */
  readonly ratePerSecond?: number;
  /** Fields of the configuration's `policy`, merged over the sandbox's own. */
  readonly policy?: PolicyDocument;
  /** Fields of the configuration's `lease`, merged over the sandbox's own. */
  readonly lease?: Readonly<Record<string, unknown>>;
  /** Default 1. Two share a state database and elect a leader. */
  readonly controllers?: 1 | 2;
  /** Whether the application stores receipts as objects, and a worker copies them. Default: no. */
  readonly objects?: boolean;
  /** Settings of the orders service beside the sandbox's own. Default: none. */
  readonly orderSettings?: Readonly<Record<string, string>>;
  /** How wrong clocks are, ms, by place: `control`, `internet`, `aws`, `azure`. Default: right. */
  readonly clockOffsetsMs?: Readonly<Record<string, number>>;
  /** Told what is being done, one line each. */
  readonly onProgress?: (text: string) => void;
  /** Gives up opening; what was started is ended. */
  readonly signal?: AbortSignal;
}

export const RATE_PER_SECOND_DEFAULT = 200;

/** One-way delay of the wide area link if nothing else is said. */
export const DELAY_MS_DEFAULT = 20;
