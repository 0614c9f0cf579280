/** Says how far a long job is: one line that is redrawn for a person, a line now and then for a log. */
import type { Terminal } from "../terminal.ts";

const REDRAW_MS = 200;
const LOG_EVERY_MS = 10_000;

export class ProgressDisplay {
  readonly #terminal: Terminal;
  readonly #isLive: boolean;
  readonly #now: () => number;
  #saidAtMs: number;
  #isDrawn = false;

  constructor(terminal: Terminal, now: () => number, isQuiet: boolean) {
    this.#terminal = terminal;
    this.#isLive = process.stderr.isTTY && !isQuiet && !terminal.json;
    this.#now = now;
    this.#saidAtMs = now();
  }

  /** Says it if it is time to; `text` is only made then. */
  update(text: () => string): void {
    const nowMs = this.#now();
    if (nowMs - this.#saidAtMs < (this.#isLive ? REDRAW_MS : LOG_EVERY_MS)) return;
    this.#saidAtMs = nowMs;
    if (!this.#isLive) {
      this.#terminal.progress(text());
      return;
    }
    const width = process.stderr.columns;
    process.stderr.write(`\r\u001B[K${text().slice(0, width - 1)}`);
    this.#isDrawn = true;
  }

  /** A line that stays. */
  note(line: string): void {
    this.clear();
    this.#terminal.log("warn", line);
  }

  /** Takes the line away, for what comes next. */
  clear(): void {
    if (this.#isDrawn) process.stderr.write("\r\u001B[K");
    this.#isDrawn = false;
  }
}
