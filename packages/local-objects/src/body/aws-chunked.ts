/**
 * Takes the framing off a body in `aws-chunked` form:
 *
 *     <size in hex>[;chunk-signature=<hex>] CRLF <bytes> CRLF … 0[;chunk-signature=<hex>] CRLF
 *     [<trailer name>:<value> CRLF]… [x-amz-trailer-signature:<hex> CRLF] CRLF
 */
import { S3Error } from "../s3/s3-error.ts";
import type { ChunkChain } from "./chunk-chain.ts";
import type { PayloadForm } from "./expected-body.ts";

const LINE_MAX_BYTES = 4096;
/** S3 refuses smaller ones, the last excepted. */
const CHUNK_MIN_BYTES = 8192;
const CHUNK_MAX_BYTES = 5 * 1024 ** 3;

type Expecting = "size" | "bytes" | "end-of-bytes" | "trailer" | "nothing";

export class AwsChunkedDecoder {
  readonly #form: PayloadForm;
  /** Null if chunks are not signed. */
  readonly #chain: ChunkChain | null;
  readonly #trailers = new Map<string, string>();
  #expecting: Expecting = "size";
  #line = "";
  #left = 0;
  #signature = "";
  #lastSize = CHUNK_MIN_BYTES;

  constructor(form: PayloadForm, chain: ChunkChain | null) {
    this.#form = form;
    this.#chain = chain;
  }

  /** What came behind the last chunk, by lower-case name; complete after `end`. */
  get trailers(): ReadonlyMap<string, string> {
    return this.#trailers;
  }

  /** The content in `wire`. @throws {S3Error} for wrong signatures and framing */
  *decode(wire: Buffer): Generator<Buffer> {
    for (let at = 0; at < wire.length; ) {
      if (this.#expecting === "bytes") {
        const bytes = wire.subarray(at, at + this.#left);
        at += bytes.length;
        this.#left -= bytes.length;
        this.#chain?.update(bytes);
        if (this.#left === 0) this.#expecting = "end-of-bytes";
        yield bytes;
      } else {
        const feed = wire.indexOf(10, at);
        const to = feed < 0 ? wire.length : feed;
        this.#line += wire.toString("latin1", at, to);
        if (this.#line.length > LINE_MAX_BYTES) throw malformed();
        at = to + 1;
        if (feed >= 0) this.#takeLine();
      }
    }
  }

  /** @throws {S3Error} `IncompleteBody` if more should have come */
  end(): void {
    if (this.#expecting !== "nothing") throw new S3Error("IncompleteBody");
  }

  #takeLine(): void {
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    switch (this.#expecting) {
      case "size":
        this.#beginChunk(line);
        return;
      case "end-of-bytes":
        if (line !== "") throw malformed();
        this.#chain?.endChunk(this.#signature);
        this.#expecting = "size";
        return;
      case "trailer":
        this.#takeTrailer(line);
        return;
      case "bytes":
      case "nothing":
        throw malformed();
    }
  }

  #beginChunk(line: string): void {
    const [, hex, signature] = /^([\da-f]{1,12})(?:;chunk-signature=([!-~]*))?$/iu.exec(line) ?? [];
    if (hex === undefined || Number.parseInt(hex, 16) > CHUNK_MAX_BYTES) throw malformed();
    this.#signature = signature ?? "";
    this.#left = Number.parseInt(hex, 16);
    if (this.#left > 0) {
      if (this.#lastSize < CHUNK_MIN_BYTES) throw new S3Error("InvalidChunkSizeError");
      this.#lastSize = this.#left;
      this.#expecting = "bytes";
      return;
    }
    this.#chain?.endChunk(this.#signature);
    this.#expecting = "trailer";
  }

  #takeTrailer(line: string): void {
    if (line === "") {
      this.#endTrailers();
      return;
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    const isNew = !this.#trailers.has(name) && this.#trailers.size < 8;
    if (colon < 1 || !this.#form.hasTrailer || !isNew) throw new S3Error("MalformedTrailerError");
    this.#trailers.set(name, line.slice(colon + 1).trim());
  }

  #endTrailers(): void {
    this.#expecting = "nothing";
    const signature = this.#trailers.get("x-amz-trailer-signature") ?? "";
    this.#trailers.delete("x-amz-trailer-signature");
    if (this.#chain === null || !this.#form.hasTrailer) return;
    const lines = [...this.#trailers].map(([name, value]) => `${name}:${value}\n`).join("");
    this.#chain.endTrailer(lines, signature);
  }
}

function malformed(): S3Error {
  return new S3Error("IncompleteBody", {
    message: "The request body is not well-formed aws-chunked",
  });
}
