/** Setting replication up: what it would make, how far it is, how it ended. */
import type { Terminal } from "../terminal.ts";
import { bytesText } from "./bytes-text.ts";
import { durationText } from "./duration-text.ts";

/** What setting up would meet and make, as the controller answers. */
export interface SetupPreviewDocument {
  readonly from: string;
  readonly to: string;
  readonly problems: readonly { readonly rule: string; readonly sentence: string }[];
  readonly changes: readonly string[];
  readonly bytesToCopy: number;
}

/** One set-up, as the controller answers. */
export interface SetupDocument {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly by: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly status: "running" | "done" | "failed" | "superseded";
  readonly progress: {
    readonly tables: number;
    readonly tablesReady: number;
    readonly copying: readonly string[];
    readonly bytesCopying: number;
  } | null;
  readonly trouble: string | null;
  readonly hint: string | null;
  readonly result: {
    readonly alreadyDone: boolean;
    readonly schemaCopied: boolean;
    readonly tables: number;
  } | null;
}

const COPYING_SHOWN = 3;

/** Every change, then everything that stands against it. */
export function setupPreviewText(
  { from, to, changes, problems, bytesToCopy }: SetupPreviewDocument,
  paint: Terminal["paint"],
): string {
  const size = bytesToCopy === 0 ? "" : `, about ${bytesText(bytesToCopy)} to copy`;
  const head = `${to} follows ${from}${size}. Nothing has been changed.`;
  const would = changes.map((change, index) => `${String(index + 1).padStart(3)}. ${change}`);
  return [
    head,
    ...(changes.length === 0 ? ["  Nothing is known to be missing."] : would),
    ...problems.map(({ rule, sentence }) => `  ${paint.red("✗")} ${rule}: ${sentence}`),
  ].join("\n");
}

/** One line of a set-up that is under way; the same text as long as nothing has changed. */
export function setupProgressText({ from, to, progress, trouble }: SetupDocument): string {
  if (trouble !== null) return `${to} does not go on following ${from}: ${trouble}`;
  if (progress === null) return `${to} is being prepared to follow ${from}`;
  const { tables, tablesReady, copying, bytesCopying } = progress;
  const shown = copying.slice(0, COPYING_SHOWN).join(", ");
  const more = copying.length > COPYING_SHOWN ? ` and ${copying.length - COPYING_SHOWN} more` : "";
  const now = copying.length === 0 ? "" : `; copying ${shown}${more}`;
  const read = bytesCopying === 0 ? "" : ` (${bytesText(bytesCopying)} read)`;
  return `${tablesReady} of ${tables} tables are at ${to}${now}${read}`;
}

/** How it ended, in one line. */
export function setupEndText(setup: SetupDocument): string {
  const { from, to, status, trouble, hint, result, startedAtMs, endedAtMs } = setup;
  if (status === "done") {
    const tables = result === null ? "its tables" : `${result.tables} tables`;
    const took = endedAtMs === null ? "" : ` (${durationText(endedAtMs - startedAtMs)})`;
    return `${to} follows ${from} with ${tables}${took}. See: cloudphoenix status`;
  }
  const what = status === "superseded" ? "was given up" : "failed";
  return `Setting up ${to} ${what}: ${trouble ?? "no reason is known"}${hint === null ? "" : `\n→ ${hint}`}`;
}

/** It ended while nobody looked, and a newer one has taken its place. */
export function setupUnseenText({ from, to }: SetupDocument): string {
  return `This set-up has ended, and another one has begun since. Whether ${to} follows ${from}: cloudphoenix replicate status`;
}

/** The line of `replicate status`: a set-up under way, or how the newest one ended. */
export function setupStatusText(setup: SetupDocument): string {
  const by = `set-up by ${setup.by}`;
  return setup.status === "running"
    ? `${by} is under way: ${setupProgressText(setup)}`
    : `newest ${by}: ${setupEndText(setup)}`;
}
