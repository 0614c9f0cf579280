/**
 * Every change as a line of JSON, in the order it happened. A change counts once its line is whole:
 * a line cut off by a crash at the end of the file is dropped at the next start. When most lines
 * are history, the start writes the present anew beside the file and renames it into place.
 */
import {
  closeSync,
  fdatasync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { LocalObjectsError } from "../error.ts";
import type { Change } from "./records.ts";
import { StoreState } from "./store-state.ts";

const FORMAT = 1;
const READ_BYTES = 1 << 20;
/** Fewer lines than this are never worth writing anew. */
const COMPACT_MIN_LINES = 10_000;

/** The open journal and what it said. */
export interface OpenedJournal {
  readonly journal: Journal;
  readonly state: StoreState;
}

/**
 * Reads the journal in `directory`, making it if there is none.
 * @throws {LocalObjectsError} `STATE_VERSION`; `STATE_UNAVAILABLE` if it is damaged in the middle
 */
export function openJournal(directory: string): OpenedJournal {
  const path = join(directory, "journal.jsonl");
  const file = openSync(path, "a+", 0o600);
  try {
    const { state, lines } = readJournal(file, path);
    const isWorthIt = lines > COMPACT_MIN_LINES && lines > state.weight * 2;
    if (!isWorthIt) return { journal: new Journal(file), state };
    const compacted = writeAnew(path, state);
    closeSync(file);
    return { journal: new Journal(compacted), state };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Appends changes. */
export class Journal {
  readonly #file: number;
  #flushing: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(file: number) {
    this.#file = file;
  }

  /** When it returns, a crash of this process no longer loses the change. */
  append(change: Change): void {
    writeSync(this.#file, `${JSON.stringify(change)}\n`);
  }

  /** When it resolves, a power cut no longer loses what was appended. Callers share one flush. */
  async flush(): Promise<void> {
    if (this.#flushing === null) return this.#begin();
    this.#next ??= this.#after(this.#flushing);
    return this.#next;
  }

  async #after(current: Promise<void>): Promise<void> {
    await current;
    this.#next = null;
    await this.#begin();
  }

  async #begin(): Promise<void> {
    this.#flushing = promisify(fdatasync)(this.#file);
    try {
      await this.#flushing;
    } finally {
      this.#flushing = null;
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

function readJournal(file: number, path: string): { state: StoreState; lines: number } {
  const state = new StoreState();
  let lines = 0;
  let endOfGood = 0;
  for (const { text, end } of linesOf(file)) {
    if (lines === 0) requireFormat(text, path);
    else applyLine(state, text, { path, number: lines + 1 });
    lines += 1;
    endOfGood = end;
  }
  ftruncateSync(file, endOfGood);
  if (lines === 0) writeSync(file, headerLine());
  return { state, lines };
}

/** Whole lines only, each with the offset behind it. */
function* linesOf(file: number): Generator<{ readonly text: string; readonly end: number }> {
  const buffer = Buffer.alloc(READ_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  let end = 0;
  for (let position = 0; ; ) {
    const count = readSync(file, buffer, 0, READ_BYTES, position);
    if (count === 0) return;
    position += count;
    const block = Buffer.concat([rest, buffer.subarray(0, count)]);
    let from = 0;
    for (let at = block.indexOf(10); at >= 0; at = block.indexOf(10, from)) {
      end += at + 1 - from;
      yield { text: block.toString("utf8", from, at), end };
      from = at + 1;
    }
    rest = block.subarray(from);
  }
}

function applyLine(
  state: StoreState,
  text: string,
  place: { readonly path: string; readonly number: number },
): void {
  try {
    // Written by us alone, format checked; a foreign line fails in `apply`.
    const change: Change = JSON.parse(text);
    state.apply(change);
  } catch (cause) {
    throw new LocalObjectsError(
      "STATE_UNAVAILABLE",
      `${place.path} is damaged in line ${place.number}`,
      { hint: "Restore the directory, or remove it to begin empty.", cause },
    );
  }
}

function headerLine(): string {
  return `${JSON.stringify({ format: FORMAT })}\n`;
}

function requireFormat(text: string, path: string): void {
  if (`${text}\n` === headerLine()) return;
  throw new LocalObjectsError("STATE_VERSION", `${path} was not written by this version`, {
    hint: "Use another directory, or remove this one to begin empty.",
  });
}

function writeAnew(path: string, state: StoreState): number {
  const draft = openSync(`${path}.new`, "w", 0o600);
  let block = headerLine();
  for (const change of state.changes()) {
    block += `${JSON.stringify(change)}\n`;
    if (block.length < READ_BYTES) continue;
    writeSync(draft, block);
    block = "";
  }
  writeSync(draft, block);
  closeSync(draft);
  renameSync(`${path}.new`, path);
  return openSync(path, "a", 0o600);
}
