/**
 * MD5 whose state can be kept and gone on with.
 *
 * Node's own hashes cannot be saved; without this, resuming a large upload would read everything
 * again that was already copied, only to hash it.
 */
import type { IHasher } from "hash-wasm";

export class ResumableMd5 {
  readonly #hasher: IHasher;

  private constructor(hasher: IHasher) {
    this.#hasher = hasher;
  }

  /** A fresh hash, or one that goes on from `state`. @throws if the state is not one of `save` */
  static async create(state: Uint8Array | null = null): Promise<ResumableMd5> {
    // Loaded on first use: most runs copy no large object.
    const { createMD5 } = await import("hash-wasm");
    const hasher = await createMD5();
    hasher.init();
    if (state !== null) hasher.load(state);
    return new ResumableMd5(hasher);
  }

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
  }

  save(): Uint8Array {
    return this.#hasher.save();
  }

  /** Hexadecimal. Ends the hash; `restart` begins a new one. */
  digest(): string {
    return this.#hasher.digest("hex");
  }

  restart(): void {
    this.#hasher.init();
  }
}
