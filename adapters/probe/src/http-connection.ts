/**
 * One connection to a target, with at most one question on it.
 *
 * 1. Every question has one end: an answer, a failure, or `destroy`, after which nothing is said.
 * 2. A connection whose answer did not end cleanly, or on which something came unasked, is closed.
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { AnswerReader, type ReadAnswer } from "./answer-reader.ts";

/** Told how questions end. */
export interface ConnectionListener {
  answered(answer: ReadAnswer): void;
  /** `isStale`: a kept connection had been closed, and not a byte of an answer came. */
  failed(error: Error, isStale: boolean): void;
  /** The other side showed a certificate that is trusted; `endsAtMs` is since 1970. */
  certified(endsAtMs: number): void;
}

export class HttpConnection {
  readonly #socket: Socket;
  readonly #listener: ConnectionListener;
  #reader: AnswerReader | null = null;
  #asked = 0;

  /** Owns `socket`, which may still be connecting. */
  constructor(socket: Socket, listener: ConnectionListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#received(bytes));
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => this.#failed(error));
    // Usually said already; a socket that closes without a reason must not leave a question open.
    socket.on("close", () => this.#ended());
    if (socket instanceof TLSSocket) socket.once("secureConnect", () => this.#secured(socket));
  }

  /** Can carry a question now. */
  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable && this.#reader === null;
  }

  /** Puts a question; the one before has ended. */
  ask(request: Buffer): void {
    this.#asked += 1;
    this.#reader = new AnswerReader();
    this.#socket.write(request);
  }

  /** Closes at once; the listener is told nothing more. Idempotent. */
  destroy(): void {
    this.#reader = null;
    this.#socket.destroy();
  }

  #secured(socket: TLSSocket): void {
    const endsAtMs = socket.getPeerX509Certificate()?.validToDate.getTime();
    if (endsAtMs !== undefined) this.#listener.certified(endsAtMs);
  }

  #received(bytes: Buffer): void {
    if (this.#reader === null) {
      // Said without being asked: it must not pass for the answer to the next question.
      this.destroy();
      return;
    }
    this.#conclude(this.#reader, (reader) => reader.take(bytes));
  }

  #ended(): void {
    if (this.#reader === null) this.destroy();
    else this.#conclude(this.#reader, (reader) => reader.end());
  }

  #conclude(reader: AnswerReader, read: (reader: AnswerReader) => ReadAnswer | null): void {
    let answer: ReadAnswer | null;
    try {
      answer = read(reader);
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (answer === null) return;
    this.#reader = null;
    if (!answer.staysOpen) this.destroy();
    this.#listener.answered(answer);
  }

  #failed(error: Error): void {
    const reader = this.#reader;
    this.destroy();
    if (reader === null) return;
    this.#listener.failed(error, this.#asked > 1 && !reader.hasBegun);
  }
}
