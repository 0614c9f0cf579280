/**
 * Keys in order, for listings: finding a place costs a logarithm, walking on costs nothing, at a
 * million keys too. A list of short sorted lists: inserting moves at most one of them.
 */
import { compareKeys, comparePlainKeys, isPlain } from "./key-order.ts";

const CHUNK_MAX = 512;

/** A place in the index; valid until the next change. */
export interface IndexPosition {
  readonly chunk: number;
  readonly offset: number;
}

/** Entries by key. Iteration must not be interleaved with changes. */
export class KeyIndex<Entry extends { readonly key: string }> {
  /** None is empty. */
  readonly #chunks: Entry[][] = [];
  #size = 0;
  /** Whether every key so far was plain, so that the cheap comparison does. */
  #isPlain = true;

  get size(): number {
    return this.#size;
  }

  get(key: string): Entry | undefined {
    const entry = this.at(this.seek(key));
    return entry?.key === key ? entry : undefined;
  }

  /** Adds, or replaces what has the same key. */
  set(entry: Entry): void {
    this.#isPlain &&= isPlain(entry.key);
    const { chunk, offset } = this.seek(entry.key);
    const entries = this.#chunks[chunk];
    if (entries?.[offset]?.key === entry.key) {
      entries[offset] = entry;
      return;
    }
    this.#size += 1;
    this.#insert(entry, { chunk, offset });
  }

  #insert(entry: Entry, { chunk, offset }: IndexPosition): void {
    // Before the first entry of a chunk is also behind the last one of its predecessor, where
    // ascending keys, the usual case, fill chunks instead of opening new ones.
    const target = offset === 0 && chunk > 0 ? chunk - 1 : chunk;
    const entries = this.#chunks[target];
    if (entries === undefined) {
      this.#chunks.push([entry]);
      return;
    }
    entries.splice(target === chunk ? offset : entries.length, 0, entry);
    if (entries.length <= CHUNK_MAX) return;
    const isAppend = target === this.#chunks.length - 1 && entries.at(-1) === entry;
    const tail = entries.splice(isAppend ? CHUNK_MAX : CHUNK_MAX / 2);
    this.#chunks.splice(target + 1, 0, tail);
  }

  delete(key: string): boolean {
    const { chunk, offset } = this.seek(key);
    const entries = this.#chunks[chunk];
    if (entries?.[offset]?.key !== key) return false;
    entries.splice(offset, 1);
    if (entries.length === 0) this.#chunks.splice(chunk, 1);
    this.#size -= 1;
    return true;
  }

  /** Place of the first entry whose key is not before `key`. */
  seek(key: string): IndexPosition {
    const compare = this.#comparison(key);
    return this.#firstNot((candidate) => compare(candidate, key) < 0);
  }

  /** Place of the first entry behind `key` and behind everything that begins with it. */
  seekBehindPrefix(prefix: string): IndexPosition {
    const compare = this.#comparison(prefix);
    return this.#firstNot(
      (candidate) => candidate.startsWith(prefix) || compare(candidate, prefix) < 0,
    );
  }

  /** Place of the first entry behind `key`. */
  seekBehind(key: string): IndexPosition {
    const compare = this.#comparison(key);
    return this.#firstNot((candidate) => compare(candidate, key) <= 0);
  }

  #comparison(probe: string): typeof compareKeys {
    return this.#isPlain && isPlain(probe) ? comparePlainKeys : compareKeys;
  }

  at({ chunk, offset }: IndexPosition): Entry | undefined {
    return this.#chunks[chunk]?.[offset];
  }

  next({ chunk, offset }: IndexPosition): IndexPosition {
    const length = this.#chunks[chunk]?.length ?? 0;
    return offset + 1 < length ? { chunk, offset: offset + 1 } : { chunk: chunk + 1, offset: 0 };
  }

  *[Symbol.iterator](): Generator<Entry> {
    for (const entries of this.#chunks) yield* entries;
  }

  /** Binary search over chunks, then within one; `isBefore` is true for a leading run of keys. */
  #firstNot(isBefore: (key: string) => boolean): IndexPosition {
    const chunk = firstIndex(this.#chunks.length, (at) => isBefore(this.#lastKey(at)));
    const entries = this.#chunks[chunk] ?? [];
    const offset = firstIndex(entries.length, (at) => isBefore(entries[at]?.key ?? ""));
    return { chunk, offset };
  }

  #lastKey(chunk: number): string {
    return this.#chunks[chunk]?.at(-1)?.key ?? "";
  }
}

/** The first index below `length` for which `isBefore` is false; `length` if there is none. */
function firstIndex(length: number, isBefore: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
