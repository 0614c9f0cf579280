/**
 * Bodies as files. A file is made under a number nobody has used, never changes, and means nothing
 * until a change in the journal names it; so a crash leaves whole objects and rubbish, and the next
 * start sweeps the rubbish.
 */
import { linkSync, mkdirSync, openSync, closeSync, readSync, unlinkSync, writeSync } from "node:fs";
import { type FileHandle, copyFile, open, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isSystemError } from "../error.ts";
import type { Extent } from "./records.ts";

const SHARDS = 256;
/** Up to here one system call on the spot costs less than a trip through the thread pool. */
export const SMALL_BYTES: number = 256 * 1024;

/** First and last byte, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** A file being written. End it with `finish` or `discard`. */
export interface ExtentWriter {
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<Extent>;
  discard(): Promise<void>;
}

/** A hold on files while they are read. Close it, also if nothing was read. */
export interface FileLease {
  readonly blocks: AsyncIterable<Buffer>;
  readonly close: () => void;
}

export class FileStore {
  readonly #directory: string;
  readonly #durable: boolean;
  /** How many readers are in a file; it is removed when the last one leaves. */
  readonly #readers = new Map<number, number>();
  readonly #doomed = new Set<number>();
  #next = 1;

  /** @param durable whether a finished file has reached the disk, not only the system's cache */
  constructor(directory: string, durable: boolean) {
    this.#directory = directory;
    this.#durable = durable;
    for (let shard = 0; shard < SHARDS; shard += 1) {
      mkdirSync(join(directory, shardName(shard)), { recursive: true, mode: 0o700 });
    }
  }

  /** A number never given before, for files and for the order of writes. */
  nextNumber(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  /** Removes files that `isLive` does not know. Numbers given from now on are above `floor`. */
  async sweep(isLive: (file: number) => boolean, floor: number): Promise<void> {
    this.#next = Math.max(this.#next, floor + 1);
    for (let shard = 0; shard < SHARDS; shard += 1) {
      for (const name of await readdir(join(this.#directory, shardName(shard)))) {
        const file = Number(name);
        this.#next = Math.max(this.#next, file + 1);
        if (!isLive(file)) await unlink(this.#path(file));
      }
    }
  }

  /** Stores a body that is in memory. */
  async writeWhole(bytes: Uint8Array): Promise<readonly Extent[]> {
    if (bytes.length === 0) return [];
    if (this.#durable || bytes.length > SMALL_BYTES) {
      const writer = await this.writer();
      await writer.write(bytes);
      return [await writer.finish()];
    }
    const file = this.nextNumber();
    const descriptor = openSync(this.#path(file), "wx", 0o600);
    try {
      writeSync(descriptor, bytes);
    } finally {
      closeSync(descriptor);
    }
    return [{ file, sizeBytes: bytes.length }];
  }

  async writer(): Promise<ExtentWriter> {
    const file = this.nextNumber();
    const handle = await open(this.#path(file), "wx", 0o600);
    let sizeBytes = 0;
    return {
      write: async (bytes) => {
        await writeAll(handle, bytes);
        sizeBytes += bytes.length;
      },
      finish: async () => {
        if (this.#durable) await handle.datasync();
        await handle.close();
        return { file, sizeBytes };
      },
      discard: async () => {
        await handle.close();
        await unlink(this.#path(file));
      },
    };
  }

  /** The same bytes under new numbers, without copying them where the file system can. */
  async duplicate(extents: readonly Extent[]): Promise<readonly Extent[]> {
    const copies: Extent[] = [];
    for (const { file, sizeBytes } of extents) {
      const copy = this.nextNumber();
      try {
        linkSync(this.#path(file), this.#path(copy));
      } catch (error) {
        if (isSystemError(error, "ENOENT")) throw error;
        await copyFile(this.#path(file), this.#path(copy));
      }
      copies.push({ file: copy, sizeBytes });
    }
    return copies;
  }

  /** Removes files that nothing names any more, as soon as nobody reads them. */
  release(extents: readonly Extent[]): void {
    for (const { file } of extents) {
      if (this.#readers.has(file)) this.#doomed.add(file);
      else unlinkSync(this.#path(file));
    }
  }

  /** A small range at once. */
  readWhole(extents: readonly Extent[], range: ByteRange): Buffer {
    const bytes = Buffer.allocUnsafe(range.last - range.first + 1);
    let filled = 0;
    for (const { file, from, count } of piecesOf(extents, range)) {
      const descriptor = openSync(this.#path(file), "r");
      try {
        const got = readSync(descriptor, bytes, filled, count, from);
        if (got !== count) throw new Error(`file ${file} ends early`);
      } finally {
        closeSync(descriptor);
      }
      filled += count;
    }
    return bytes;
  }

  /** A range to be read in blocks. Until it is closed the files stay, whatever happens to the object. */
  lease(extents: readonly Extent[], range: ByteRange): FileLease {
    for (const { file } of extents) this.#readers.set(file, (this.#readers.get(file) ?? 0) + 1);
    let isOpen = true;
    return {
      blocks: this.#blocks(extents, range),
      close: () => {
        if (isOpen) for (const { file } of extents) this.#leave(file);
        isOpen = false;
      },
    };
  }

  async *#blocks(extents: readonly Extent[], range: ByteRange): AsyncGenerator<Buffer> {
    for (const piece of piecesOf(extents, range)) {
      const handle = await open(this.#path(piece.file), "r");
      try {
        yield* blocksOf(handle, piece);
      } finally {
        await handle.close();
      }
    }
  }

  #leave(file: number): void {
    const left = (this.#readers.get(file) ?? 1) - 1;
    if (left > 0) {
      this.#readers.set(file, left);
      return;
    }
    this.#readers.delete(file);
    if (this.#doomed.delete(file)) unlinkSync(this.#path(file));
  }

  #path(file: number): string {
    return join(this.#directory, shardName(file % SHARDS), String(file));
  }
}

function shardName(shard: number): string {
  return shard.toString(16).padStart(2, "0");
}

interface Piece {
  readonly file: number;
  readonly from: number;
  readonly count: number;
}

/** The pieces of files that make up a range. */
function* piecesOf(extents: readonly Extent[], { first, last }: ByteRange): Generator<Piece> {
  let start = 0;
  for (const { file, sizeBytes } of extents) {
    const from = Math.max(first - start, 0);
    const to = Math.min(last - start, sizeBytes - 1);
    if (from <= to) yield { file, from, count: to - from + 1 };
    start += sizeBytes;
  }
}

async function* blocksOf(handle: FileHandle, { file, from, count }: Piece): AsyncGenerator<Buffer> {
  for (let done = 0; done < count; ) {
    const block = Buffer.allocUnsafe(Math.min(SMALL_BYTES, count - done));
    const { bytesRead } = await handle.read(block, 0, block.length, from + done);
    if (bytesRead === 0) throw new Error(`file ${file} ends early`);
    done += bytesRead;
    yield block.subarray(0, bytesRead);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done);
    done += bytesWritten;
  }
}
