/** Decodes a chunked body (RFC 9112 section 7.1) from bytes that arrive bit by bit. */
import { MalformedAnswer } from "./answer-head.ts";

/** A size with its extensions, or a trailer field, is a line of at most this length. */
const LINE_BYTES_MAX = 1024;
const SIZE_LINE = /^([0-9a-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/iu;

export class ChunkedBody {
  readonly #pieces: Buffer[] = [];
  #at = 0;
  /** Data bytes that the current chunk announced; null between chunks. */
  #chunkBytes: number | null = null;
  #inTrailer = false;

  /**
   * Goes on reading; `bytes` is everything since the beginning of the body. Returns how many of
   * them the body took once it is complete, else null.
   * @throws {MalformedAnswer}
   */
  read(bytes: Buffer): number | null {
    for (;;) {
      if (this.#chunkBytes !== null) {
        if (!this.#takeChunk(bytes, this.#chunkBytes)) return null;
        continue;
      }
      const line = this.#takeLine(bytes);
      if (line === null) return null;
      if (this.#inTrailer) {
        // Trailer fields say nothing that a probe wants to know.
        if (line === "") return this.#at;
        continue;
      }
      const [, size] = SIZE_LINE.exec(line) ?? [];
      if (size === undefined) throw new MalformedAnswer("its answer has a malformed chunk");
      const chunkBytes = Number.parseInt(size, 16);
      if (chunkBytes === 0) this.#inTrailer = true;
      else this.#chunkBytes = chunkBytes;
    }
  }

  /** What has been decoded. */
  get content(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  #takeChunk(bytes: Buffer, chunkBytes: number): boolean {
    const end = this.#at + chunkBytes;
    if (bytes.length < end + 2) return false;
    if (bytes[end] !== 0x0d || bytes[end + 1] !== 0x0a) {
      throw new MalformedAnswer("its answer has a malformed chunk");
    }
    this.#pieces.push(bytes.subarray(this.#at, end));
    this.#at = end + 2;
    this.#chunkBytes = null;
    return true;
  }

  #takeLine(bytes: Buffer): string | null {
    const end = bytes.indexOf("\r\n", this.#at, "latin1");
    const lineBytes = (end < 0 ? bytes.length : end) - this.#at;
    if (lineBytes > LINE_BYTES_MAX) throw new MalformedAnswer("its answer has a malformed chunk");
    if (end < 0) return null;
    const line = bytes.toString("latin1", this.#at, end);
    this.#at = end + 2;
    return line;
  }
}
