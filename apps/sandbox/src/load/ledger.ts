/**
 * Every write the application promised to keep.
 *
 * The newest are kept in memory for reading back; all are appended to a file that is put aside once
 * it holds as many (one earlier file is kept), so that a load left running fills no disk.
 */
import { createWriteStream, renameSync, type WriteStream } from "node:fs";

/** One acknowledged write. */
export interface LedgerEntry {
  readonly n: number;
  readonly key: string;
  readonly orderId: string;
  /** Epoch milliseconds on this client's clock. */
  readonly ackedAtMs: number;
  readonly site: string;
  readonly generation: number;
  readonly attempts: number;
}

export class Ledger {
  readonly #file: string;
  readonly #max: number;
  /** A ring once it is full: the oldest entry is at `#oldest`. */
  readonly #entries: LedgerEntry[] = [];
  #oldest = 0;
  #dropped = 0;
  #stream: WriteStream;
  #linesInFile = 0;

  constructor(file: string, max: number) {
    this.#file = file;
    this.#max = max;
    this.#stream = createWriteStream(file, { flags: "a", mode: 0o600 });
  }

  /** Entries no longer in memory. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Those in memory, as they are now. */
  entries(): readonly LedgerEntry[] {
    return [...this.#entries.slice(this.#oldest), ...this.#entries.slice(0, this.#oldest)];
  }

  add(entry: LedgerEntry): void {
    if (this.#entries.length < this.#max) {
      this.#entries.push(entry);
    } else {
      this.#entries[this.#oldest] = entry;
      this.#oldest = (this.#oldest + 1) % this.#max;
      this.#dropped += 1;
    }
    if (this.#linesInFile >= this.#max) this.#rotate();
    this.#linesInFile += 1;
    this.#stream.write(`${JSON.stringify(entry)}\n`);
  }

  /** Resolves once every line is in the file. Nothing may be added afterwards. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.end(resolve));
  }

  #rotate(): void {
    // What is still buffered goes to the renamed file: the stream writes to it by descriptor.
    this.#stream.end();
    renameSync(this.#file, `${this.#file}.1`);
    this.#stream = createWriteStream(this.#file, { flags: "a", mode: 0o600 });
    this.#linesInFile = 0;
  }
}
