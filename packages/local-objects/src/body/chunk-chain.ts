/** The chain of signatures over the chunks of a streamed body: each one covers the one before. */
import { createHash, type Hash } from "node:crypto";
import { EMPTY_SHA256, equalSignatures, sign } from "../signature/canonical-request.ts";
import type { VerifiedSignature } from "../signature/verify-signature.ts";
import { S3Error } from "../s3/s3-error.ts";

export class ChunkChain {
  readonly #seed: VerifiedSignature;
  #previous: string;
  #hash: Hash = createHash("sha256");

  constructor(seed: VerifiedSignature) {
    this.#seed = seed;
    this.#previous = seed.signature;
  }

  /** Takes bytes of the current chunk. */
  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** Ends the current chunk. @throws {S3Error} `SignatureDoesNotMatch` */
  endChunk(signature: string): void {
    this.#require(signature, "AWS4-HMAC-SHA256-PAYLOAD", [EMPTY_SHA256, this.#hash.digest("hex")]);
    this.#hash = createHash("sha256");
  }

  /** Checks the trailer: its lines, each with a line feed. @throws {S3Error} `SignatureDoesNotMatch` */
  endTrailer(lines: string, signature: string): void {
    const hash = createHash("sha256").update(lines).digest("hex");
    this.#require(signature, "AWS4-HMAC-SHA256-TRAILER", [hash]);
  }

  #require(signature: string, kind: string, hashes: readonly string[]): void {
    const { amzDate, scope, key } = this.#seed;
    const expected = sign(key, [kind, amzDate, scope, this.#previous, ...hashes].join("\n"));
    if (!equalSignatures(expected, signature)) throw new S3Error("SignatureDoesNotMatch");
    this.#previous = expected;
  }
}
