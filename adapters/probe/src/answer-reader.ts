/**
 * Reads one HTTP/1.1 answer from the bytes of a connection.
 *
 * 1. Bounded: it holds at most a head of 16 KiB, a body of 64 KiB and one read of the socket.
 * 2. Bytes behind the answer never belong to it, and never to the next one: they end the connection.
 * 3. Answers that are cut into pieces of any size cost time in proportion to their length.
 */
import { type AnswerHead, MalformedAnswer, readHead } from "./answer-head.ts";
import { ChunkedBody } from "./chunked-body.ts";
import type { HttpAnswer } from "./classify.ts";

/** Shared by the answer and everything that comes before it (status 1xx). */
const HEAD_BYTES_MAX = 16_384;
/** Enough for any health document; more is not read. The framing of chunks counts too. */
const BODY_BYTES_MAX = 65_536;
const BEGINNING = Buffer.from("HTTP/1.", "latin1");
const HEAD_END = Buffer.from("\r\n\r\n", "latin1");

/** An answer, and whether its connection may carry another question. */
export interface ReadAnswer extends HttpAnswer {
  readonly staysOpen: boolean;
}

/** For one answer; the next needs a new one. */
export class AnswerReader {
  readonly #received = new ByteQueue();
  #head: AnswerHead | null = null;
  #headBytes = 0;
  #searchedBytes = 0;
  #chunks: ChunkedBody | null = null;

  /** Whether any byte of an answer has come. */
  get hasBegun(): boolean {
    return this.#head !== null || this.#headBytes > 0 || this.#received.bytes.length > 0;
  }

  /**
   * Takes the next bytes; returns the answer as soon as it is complete.
   * @throws {MalformedAnswer}
   */
  take(bytes: Buffer): ReadAnswer | null {
    this.#received.append(bytes);
    while (this.#head === null) {
      const head = this.#readHead();
      if (head === null) return null;
      if (head.statusCode === 101) throw new MalformedAnswer("it switched to another protocol");
      if (head.statusCode >= 200) this.#head = head;
    }
    return this.#readBody(this.#head);
  }

  /**
   * The other side has closed the connection: the answer, if this is how it ends.
   * @throws {MalformedAnswer} if it ends too early
   */
  end(): ReadAnswer {
    const head = this.#head;
    if (head?.framing.kind === "until-close") {
      return answerOf(head, this.#received.bytes, { truncated: false, staysOpen: false });
    }
    const where = this.hasBegun ? "in the middle of its answer" : "without an answer";
    throw new MalformedAnswer(`it closed the connection ${where}`);
  }

  #readHead(): AnswerHead | null {
    const { bytes } = this.#received;
    // Whoever speaks another protocol may never send what ends a head.
    const seen = Math.min(bytes.length, BEGINNING.length);
    if (bytes.compare(BEGINNING, 0, seen, 0, seen) !== 0) {
      throw new MalformedAnswer("its answer is not HTTP/1.1");
    }
    const end = bytes.indexOf(HEAD_END, Math.max(0, this.#searchedBytes - HEAD_END.length));
    const headBytes = this.#headBytes + (end < 0 ? bytes.length : end);
    if (headBytes > HEAD_BYTES_MAX) {
      throw new MalformedAnswer(`its answer has a header of more than ${HEAD_BYTES_MAX} bytes`);
    }
    this.#searchedBytes = bytes.length;
    if (end < 0) return null;
    const head = readHead(bytes.toString("latin1", 0, end));
    this.#headBytes = headBytes;
    this.#searchedBytes = 0;
    this.#received.drop(end + HEAD_END.length);
    return head;
  }

  #readBody(head: AnswerHead): ReadAnswer | null {
    const { bytes } = this.#received;
    const { framing } = head;
    if (framing.kind === "length" && framing.bytes <= BODY_BYTES_MAX) {
      if (bytes.length < framing.bytes) return null;
      const staysOpen = head.staysOpen && bytes.length === framing.bytes;
      const body = bytes.subarray(0, framing.bytes);
      return answerOf(head, body, { truncated: false, staysOpen });
    }
    if (framing.kind === "chunked") {
      this.#chunks ??= new ChunkedBody();
      const bodyBytes = this.#chunks.read(bytes);
      if (bodyBytes !== null && bodyBytes <= BODY_BYTES_MAX) {
        const staysOpen = head.staysOpen && bytes.length === bodyBytes;
        return answerOf(head, this.#chunks.content, { truncated: false, staysOpen });
      }
    }
    if (framing.kind !== "length" && bytes.length <= BODY_BYTES_MAX) return null;
    return answerOf(head, EMPTY, { truncated: true, staysOpen: false });
  }
}

const EMPTY: Buffer = Buffer.alloc(0);

function answerOf(
  { statusCode }: AnswerHead,
  body: Buffer,
  rest: Pick<ReadAnswer, "truncated" | "staysOpen">,
): ReadAnswer {
  return { statusCode, body: body.toString("utf8"), ...rest };
}

/** Bytes in one piece. Nearly every answer arrives at once, and then nothing is copied. */
class ByteQueue {
  #store: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  #isOwn = false;

  get bytes(): Buffer {
    return this.#store.subarray(this.#start, this.#end);
  }

  append(bytes: Buffer): void {
    if (this.#start === this.#end) {
      this.#store = bytes;
      this.#start = 0;
      this.#end = bytes.length;
      this.#isOwn = false;
      return;
    }
    const kept = this.bytes;
    const lengthBytes = kept.length + bytes.length;
    if (!this.#isOwn || this.#end + bytes.length > this.#store.length) {
      // Doubling keeps the copying in proportion, however small the pieces are.
      this.#store = Buffer.allocUnsafe(Math.max(2 * lengthBytes, 1024));
      kept.copy(this.#store);
      this.#start = 0;
      this.#end = kept.length;
      this.#isOwn = true;
    }
    bytes.copy(this.#store, this.#end);
    this.#end += bytes.length;
  }

  drop(count: number): void {
    this.#start += count;
  }
}
