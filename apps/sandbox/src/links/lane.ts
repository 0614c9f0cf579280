/**
 * One direction of one connection: a queue in which bytes travel.
 *
 * Invariants:
 * 1. Bytes come out in order, none twice.
 * 2. At most `WINDOW_BYTES` plus one chunk wait here; then the sender is no longer read, so its
 *    own socket fills up as it would over a real wire.
 * 3. Once a byte was swallowed by a cut, `broken` is true and nothing is delivered any more: a
 *    stream with a hole must never look whole. The link resets such connections when it is mended.
 */
import type { Socket } from "node:net";
import type { Conduct } from "./impairment.ts";

/** Bytes in flight per lane: at 20 ms one way this still lets 50 MB/s through. */
const WINDOW_BYTES = 1024 * 1024;

/** What all lanes of one direction of a link share. */
export interface Wire {
  conduct: Conduct;
  /** When the last byte accepted so far will have left a slow wire; `performance.now()` time. */
  freeAtMs: number;
}

interface Parcel {
  readonly dueMs: number;
  /** Null stands for the end of the stream. */
  readonly data: Buffer | null;
}

export class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #wire: Wire;
  readonly #openAtMs: number;
  #queue: Parcel[] = [];
  #queuedBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #receiverFull = false;
  #broken = false;

  /** `openAtMs`: nothing leaves before the connection would have been established. */
  constructor(from: Socket, to: Socket, wire: Wire, openAtMs: number) {
    this.#from = from;
    this.#to = to;
    this.#wire = wire;
    this.#openAtMs = openAtMs;
    to.on("drain", () => {
      this.#receiverFull = false;
      this.#deliver();
    });
  }

  get bufferedBytes(): number {
    return this.#queuedBytes + this.#to.writableLength;
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** Takes bytes (or the end, as null) from the sender. */
  accept(data: Buffer | null): void {
    if (this.#wire.conduct.cut || this.#broken) {
      this.#broken = true;
      return;
    }
    this.#queue.push({ dueMs: this.#arrivalOf(data?.length ?? 0), data });
    this.#queuedBytes += data?.length ?? 0;
    this.#deliver();
  }

  /** Swallows what is in flight. Bytes the receiver's socket already holds have arrived. */
  cut(): void {
    if (this.#queue.length > 0) this.#broken = true;
    this.stop();
    // Reading on is what notices a sender that gives up; its bytes are swallowed by `accept`.
    this.#from.resume();
  }

  /** Lets what is in flight profit from a wire that became faster; never makes it later. */
  retime(): void {
    this.#queue = this.#queue.map((parcel) => ({
      ...parcel,
      dueMs: Math.min(parcel.dueMs, this.#arrivalOf(parcel.data?.length ?? 0)),
    }));
    this.#unschedule();
    this.#deliver();
  }

  /** Forgets everything queued. */
  stop(): void {
    this.#unschedule();
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #unschedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arrivalOf(bytes: number): number {
    const { delayMs, bytesPerSecond } = this.#wire.conduct;
    const startMs = Math.max(performance.now(), this.#openAtMs, this.#wire.freeAtMs);
    const sendingMs = bytesPerSecond === null ? 0 : (bytes * 1_000) / bytesPerSecond;
    if (bytesPerSecond !== null) this.#wire.freeAtMs = startMs + sendingMs;
    return startMs + sendingMs + delayMs;
  }

  #deliver(): void {
    const nowMs = performance.now();
    for (;;) {
      const head = this.#queue[0];
      if (head === undefined || this.#receiverFull || head.dueMs > nowMs) break;
      this.#queue.shift();
      this.#hand(head.data);
    }
    this.#schedule(nowMs);
    if (this.#queuedBytes >= WINDOW_BYTES || this.#receiverFull) this.#from.pause();
    else this.#from.resume();
  }

  #hand(data: Buffer | null): void {
    if (this.#to.destroyed) return;
    if (data === null) {
      this.#to.end();
      return;
    }
    this.#queuedBytes -= data.length;
    this.#receiverFull = !this.#to.write(data);
  }

  #schedule(nowMs: number): void {
    const head = this.#queue[0];
    if (head === undefined || this.#receiverFull || this.#timer !== null) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#deliver();
      },
      Math.max(0, head.dueMs - nowMs),
    );
  }
}
