/** What a probe asks and what it makes of the answer. Data only. */
import type { Status } from "@cloudphoenix/core";

/** `http-ok`: any 2xx is healthy. `health-json`: the body says how things are. */
export type Expectation = "http-ok" | "health-json";

/** One question of one signal from one vantage. */
export interface ProbeTarget {
  readonly signal: string;
  readonly vantage: string;
  /** `http:` or `https:`; anything else is answered `unknown`. */
  readonly url: string;
  readonly expect: Expectation;
  readonly intervalMs: number;
  /** From the first byte of the connection to the last of the answer. */
  readonly timeoutMs: number;
  /** Sent with every question, for instance an authorization. Never logged. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Targets that do not depend on any site: whoever reaches none of them is blind. */
export interface CanaryGroup {
  readonly vantage: string;
  readonly urls: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** What one probe found. */
export interface Verdict {
  readonly status: Status;
  /** At most 200 printable characters. */
  readonly detail: string;
}

/** Detail texts come from strangers: one line, printable, short. */
export function plainDetail(text: string): string {
  // Control and format characters could forge log lines or hide text on a terminal.
  const line = text.replace(/[\p{C}\s]+/gu, " ").trim();
  return line.length <= 200 ? line : `${line.slice(0, 199)}…`;
}
