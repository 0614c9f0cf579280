/**
 * The hashes of a whole content that passes by in order, in a form that can be kept and gone on with.
 *
 * Always its MD5; and, for a source that only tells a hash of the parts it was once stored in, that one, too: how
 * those parts were cut has nothing to do with how the content is cut on its way.
 */
import { hash } from "node:crypto";
import type { HashOfParts } from "./object-store.ts";
import { ResumableMd5 } from "./resumable-md5.ts";

export interface ContentDigest {
  /** Of the whole; hexadecimal. */
  readonly md5: string;
  /** As `HashOfParts.md5`; null if no parts were told. */
  readonly ofParts: string | null;
}

/** Bytes of the two counters at the end of a state with parts. */
const COUNTERS_BYTES = 16;

/** Use from one place: bytes are taken in order. */
export class ContentHash {
  readonly #whole: ResumableMd5;
  readonly #parts: PartsMd5 | null;

  private constructor(whole: ResumableMd5, parts: PartsMd5 | null) {
    this.#whole = whole;
    this.#parts = parts;
  }

  static async create(parts: HashOfParts | null): Promise<ContentHash> {
    const whole = await ResumableMd5.create();
    return new ContentHash(whole, parts === null ? null : await PartsMd5.create(parts.partBytes));
  }

  /** Goes on from `save`; null for a state that does not tell enough: it was kept without regard to parts. */
  static async resume(state: Uint8Array, parts: HashOfParts | null): Promise<ContentHash | null> {
    const { byteLength } = (await ResumableMd5.create()).save();
    const whole = await ResumableMd5.create(state.slice(0, byteLength));
    if (parts === null) return new ContentHash(whole, null);
    if (state.byteLength !== 3 * byteLength + COUNTERS_BYTES) return null;
    const rest = state.slice(byteLength);
    return new ContentHash(whole, await PartsMd5.create(parts.partBytes, rest));
  }

  /** `md5` is that of `bytes`, hexadecimal. */
  update(bytes: Uint8Array, md5: string): void {
    this.#whole.update(bytes);
    this.#parts?.update(bytes, md5);
  }

  save(): Uint8Array {
    const whole = this.#whole.save();
    return this.#parts === null ? whole : Buffer.concat([whole, ...this.#parts.save()]);
  }

  /** Ends the hash. */
  digest(): ContentDigest {
    return { md5: this.#whole.digest(), ofParts: this.#parts?.digest() ?? null };
  }
}

/** The hash of parts of a content that is at hand as a whole; hexadecimal. */
export function md5OfParts(bytes: Uint8Array, partBytes: readonly number[]): string {
  let at = 0;
  const md5s = partBytes.map((size) => {
    at += size;
    return hash("md5", bytes.subarray(at - size, at), "buffer");
  });
  return hash("md5", Buffer.concat(md5s), "hex");
}

class PartsMd5 {
  readonly #partBytes: readonly number[];
  readonly #all: ResumableMd5;
  readonly #current: ResumableMd5;
  /** Parts that are whole, and bytes of the one after them. */
  #done: number;
  #filled: number;

  private constructor(partBytes: readonly number[], { all, current, done, filled }: PartsProgress) {
    this.#partBytes = partBytes;
    this.#all = all;
    this.#current = current;
    this.#done = done;
    this.#filled = filled;
  }

  static async create(partBytes: readonly number[], state?: Uint8Array): Promise<PartsMd5> {
    if (state === undefined) {
      const [all, current] = [await ResumableMd5.create(), await ResumableMd5.create()];
      return new PartsMd5(partBytes, { all, current, done: 0, filled: 0 });
    }
    const hashBytes = (state.byteLength - COUNTERS_BYTES) / 2;
    const counters = Buffer.from(state.slice(2 * hashBytes));
    return new PartsMd5(partBytes, {
      all: await ResumableMd5.create(state.slice(0, hashBytes)),
      current: await ResumableMd5.create(state.slice(hashBytes, 2 * hashBytes)),
      done: counters.readDoubleBE(0),
      filled: counters.readDoubleBE(8),
    });
  }

  update(bytes: Uint8Array, md5: string): void {
    let at = 0;
    while (at < bytes.byteLength && this.#done < this.#partBytes.length) {
      const size = this.#partBytes[this.#done] ?? 0;
      if (this.#filled === 0 && at === 0 && size === bytes.byteLength) {
        this.#end(md5);
        return;
      }
      const end = Math.min(bytes.byteLength, at + size - this.#filled);
      this.#current.update(bytes.subarray(at, end));
      this.#filled += end - at;
      at = end;
      if (this.#filled === size) this.#endCurrent();
    }
  }

  save(): readonly Uint8Array[] {
    const counters = Buffer.alloc(COUNTERS_BYTES);
    counters.writeDoubleBE(this.#done, 0);
    counters.writeDoubleBE(this.#filled, 8);
    return [this.#all.save(), this.#current.save(), counters];
  }

  digest(): string {
    // The last part may be empty.
    while (this.#partBytes[this.#done] === 0) this.#endCurrent();
    return this.#all.digest();
  }

  #endCurrent(): void {
    this.#end(this.#current.digest());
    this.#current.restart();
  }

  #end(md5: string): void {
    this.#all.update(Buffer.from(md5, "hex"));
    this.#done += 1;
    this.#filled = 0;
  }
}

interface PartsProgress {
  readonly all: ResumableMd5;
  readonly current: ResumableMd5;
  readonly done: number;
  readonly filled: number;
}
