/**
 * A store that lists millions of objects without holding one: what shows that memory does not grow
 * with the number of keys.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { ListRequest, ObjectEntry } from "@cloudphoenix/objects";
import { MemoryObjectStore } from "./memory-object-store.ts";

export interface SyntheticObjectStoreOptions {
  readonly name: string;
  readonly objects: number;
  readonly pageSize: number;
  /** Which of the objects are here; default all. */
  readonly holds?: (index: number) => boolean;
  /** The version of an object here; default the same for everybody. */
  readonly version?: (index: number) => number;
}

const DIGITS = 9;

/** Listing is made up page by page; what is written to it is kept nowhere and forgotten. */
export class SyntheticObjectStore extends MemoryObjectStore {
  readonly #options: SyntheticObjectStoreOptions;

  constructor(options: SyntheticObjectStoreOptions) {
    super({ name: options.name, flavour: "s3" });
    this.#options = options;
  }

  override async *list(
    { prefix, after }: ListRequest,
    signal: AbortSignal,
  ): AsyncGenerator<readonly ObjectEntry[], void, undefined> {
    const { objects, pageSize, holds = () => true } = this.#options;
    let page: ObjectEntry[] = [];
    const first = after === undefined ? 0 : Number(after.slice(prefix.length)) + 1;
    for (let index = first; index < objects; index += 1) {
      if (holds(index)) page.push(this.#entry(prefix, index));
      if (page.length < pageSize) continue;
      // A turn for others, as a network would give.
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) {
        throw new CloudPhoenixError("ABORTED", "it was told to stop", { retryable: true });
      }
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }

  #entry(prefix: string, index: number): ObjectEntry {
    const version = this.#options.version?.(index) ?? 0;
    const etag = `${index.toString(16).padStart(24, "0")}${version.toString(16).padStart(8, "0")}`;
    return {
      key: `${prefix}${index.toString().padStart(DIGITS, "0")}`,
      sizeBytes: 1_000,
      etag,
      modifiedMs: 0,
      md5: etag,
      stamp: null,
    };
  }
}
