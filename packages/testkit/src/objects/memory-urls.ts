/** Two clouds in memory of which one gives out URLs and the other reads them. */
import { hash } from "node:crypto";
import {
  type ObjectStoreCapabilities,
  SecretUrl,
  type UrlCopyOutcome,
  type UrlSource,
  type WriteRequest,
} from "@cloudphoenix/objects";
import { MemoryObjectStore, type MemoryObjectStoreOptions } from "./memory-object-store.ts";

const HOST = "https://bucket.memory.example/";

/** Like S3: a URL opens whatever is under the key when it is read. */
export class MemoryUrlSource extends MemoryObjectStore {
  /** URLs given out so far, and for how long. */
  readonly given: { readonly url: string; readonly validMs: number }[] = [];

  async readUrl(key: string, validMs: number, signal: AbortSignal): Promise<SecretUrl> {
    await this.head(key, signal);
    const url = `${HOST}${encodeURIComponent(key)}?secret=${this.given.length}`;
    this.given.push({ url, validMs });
    return new SecretUrl(url);
  }

  /** What a URL opens; null for nothing. */
  open(url: string): Buffer | null {
    if (!this.given.some((given) => given.url === url)) return null;
    return this.bytesOf(decodeURIComponent(new URL(url).pathname.slice(1)));
  }
}

/** What the target gets for a URL; null: the source does not answer it. */
export type UrlReader = (url: string) => Uint8Array | null;

/** Like Blob. */
export class MemoryUrlTarget extends MemoryObjectStore {
  readonly #read: UrlReader;

  constructor(read: UrlReader, options: MemoryObjectStoreOptions = {}) {
    const urlCopy: ObjectStoreCapabilities["urlCopy"] = {
      maxBytes: 64 * 1024 * 1024,
      urlMaxCharacters: 2048,
    };
    super({ flavour: "blob", ...options, capabilities: { urlCopy, ...options.capabilities } });
    this.#read = read;
  }

  async copyFromUrl(
    request: WriteRequest,
    { url, md5 }: UrlSource,
    signal: AbortSignal,
  ): Promise<UrlCopyOutcome> {
    // A turn for others, as the network would give, and the end by the signal.
    await this.head(request.key, signal);
    const bytes = this.#read(url.reveal());
    if (bytes === null) return { kind: "unreadable", because: "the source answered with 404" };
    if (hash("md5", bytes, "hex") !== md5) return { kind: "otherBytes" };
    return { kind: "stored", stored: await this.write(request, { bytes, md5 }, signal) };
  }
}
