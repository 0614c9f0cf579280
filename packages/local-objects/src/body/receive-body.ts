/**
 * Receives the body of a write, checks everything the client said about it, and puts it into a
 * file. Whatever is wrong, nothing is left behind.
 */
import { createHash } from "node:crypto";
import {
  type ByteHasher,
  type ChecksumAlgorithm,
  checksumHasher,
  checksumHeader,
} from "../checksum/checksum.ts";
import type { S3Request } from "../s3/request.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { VerifiedSignature } from "../signature/verify-signature.ts";
import { type FileStore, SMALL_BYTES } from "../store/file-store.ts";
import type { Extent } from "../store/records.ts";
import { AwsChunkedDecoder } from "./aws-chunked.ts";
import { ChunkChain } from "./chunk-chain.ts";
import { type ExpectedBody, expectedBody, requireChecksumForm } from "./expected-body.ts";

/** A body that is what the client meant. */
export interface ReceivedBody {
  readonly extents: readonly Extent[];
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly md5: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | null;
}

export interface BodyLimits {
  /** Larger bodies are refused before they are read. */
  readonly maxBytes: number;
  /** Made even if the client brings none. */
  readonly algorithm?: ChecksumAlgorithm | undefined;
  /** The checksum header speaks of the object that comes of it, not of this body. */
  readonly checksumIsOfObject?: boolean;
}

/** Where a request and its proof of identity come together. */
export interface SignedExchange {
  readonly request: S3Request;
  readonly signature: VerifiedSignature;
}

/** Stores the body. @throws {S3Error} `BadDigest`, `IncompleteBody`, `SignatureDoesNotMatch` and others */
export async function receiveBody(
  exchange: SignedExchange,
  files: FileStore,
  limits: BodyLimits,
): Promise<ReceivedBody> {
  const body = new IncomingBody(exchange, limits);
  if (body.expected.sizeBytes <= SMALL_BYTES) {
    const bytes = await body.collect();
    const facts = body.verified();
    return { ...facts, extents: await files.writeWhole(bytes) };
  }
  const writer = await files.writer();
  try {
    for await (const bytes of body.content()) await writer.write(bytes);
    const facts = body.verified();
    return { ...facts, extents: [await writer.finish()] };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Reads a body into memory: for documents, which are small. Same checks, same errors. */
export async function receiveDocument(
  exchange: SignedExchange,
  limits: BodyLimits,
): Promise<string> {
  const body = new IncomingBody(exchange, limits);
  const bytes = await body.collect();
  body.verified();
  return bytes.toString("utf8");
}

class IncomingBody {
  readonly expected: ExpectedBody;
  readonly #request: S3Request;
  readonly #decoder: AwsChunkedDecoder | null;
  readonly #md5 = createHash("md5");
  readonly #sha256: ByteHasher | null;
  readonly #checksum: ByteHasher | null;
  readonly #algorithm: ChecksumAlgorithm | null;
  #sizeBytes = 0;

  constructor({ request, signature }: SignedExchange, limits: BodyLimits) {
    this.#request = request;
    this.expected = expectedBody(request, limits.checksumIsOfObject !== true);
    if (this.expected.sizeBytes > limits.maxBytes) {
      const details = {
        ProposedSize: String(this.expected.sizeBytes),
        MaxSizeAllowed: String(limits.maxBytes),
      };
      throw new S3Error("EntityTooLarge", { details });
    }
    const { chunked, checksum, sha256 } = this.expected;
    const chain = chunked?.isSigned === true ? new ChunkChain(signature) : null;
    this.#decoder = chunked === null ? null : new AwsChunkedDecoder(chunked, chain);
    this.#algorithm = checksum?.algorithm ?? limits.algorithm ?? null;
    this.#sha256 = sha256 === null ? null : createHash("sha256");
    this.#checksum = this.#algorithm === null ? null : checksumHasher(this.#algorithm);
  }

  async collect(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const bytes of this.content()) pieces.push(bytes);
    const [only] = pieces;
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  }

  async *content(): AsyncGenerator<Buffer> {
    const { incoming, outgoing, expectsContinue } = this.#request;
    if (expectsContinue) outgoing.writeContinue();
    // Leaving the loop early must not end the connection: the refusal still has to be told.
    const blocks: AsyncIterable<Buffer> = incoming.iterator({ destroyOnReturn: false });
    for await (const wire of blocks) {
      for (const bytes of this.#decoder?.decode(wire) ?? [wire]) {
        this.#take(bytes);
        yield bytes;
      }
    }
    this.#decoder?.end();
  }

  #take(bytes: Buffer): void {
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes > this.expected.sizeBytes) throw new S3Error("IncompleteBody");
    this.#md5.update(bytes);
    this.#sha256?.update(bytes);
    this.#checksum?.update(bytes);
  }

  /** Call once, after the content. */
  verified(): Omit<ReceivedBody, "extents"> {
    if (this.#sizeBytes !== this.expected.sizeBytes) throw new S3Error("IncompleteBody");
    const md5 = this.#md5.digest();
    this.#requireHashes(md5);
    const value = this.#checksum?.digest().toString("base64");
    const checksum =
      this.#algorithm === null || value === undefined
        ? null
        : { algorithm: this.#algorithm, value };
    this.#requireChecksum(checksum);
    return { sizeBytes: this.#sizeBytes, md5: md5.toString("hex"), checksum };
  }

  #requireHashes(md5: Buffer): void {
    const sha256 = this.#sha256?.digest().toString("hex") ?? null;
    if (sha256 !== this.expected.sha256) {
      const details = {
        ClientComputedContentSHA256: this.expected.sha256 ?? "",
        S3ComputedContentSHA256: sha256 ?? "",
      };
      throw new S3Error("XAmzContentSHA256Mismatch", { details });
    }
    const calculated = md5.toString("base64");
    if (this.expected.md5 === null || this.expected.md5 === calculated) return;
    const details = { ExpectedDigest: this.expected.md5, CalculatedDigest: calculated };
    throw new S3Error("BadDigest", { details });
  }

  #requireChecksum(calculated: ReceivedBody["checksum"]): void {
    const { checksum } = this.expected;
    this.#requireKnownTrailers(checksum?.value === null ? checksum.algorithm : null);
    if (checksum === null) return;
    const given =
      checksum.value ?? this.#decoder?.trailers.get(checksumHeader(checksum.algorithm)) ?? "";
    requireChecksumForm(checksum.algorithm, given);
    if (given === calculated?.value) return;
    throw new S3Error("BadDigest", {
      message: `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
    });
  }

  #requireKnownTrailers(algorithm: ChecksumAlgorithm | null): void {
    const trailers = [...(this.#decoder?.trailers.keys() ?? [])];
    const announced = algorithm === null ? [] : [checksumHeader(algorithm)];
    if (trailers.join() !== announced.join()) throw new S3Error("MalformedTrailerError");
  }
}
