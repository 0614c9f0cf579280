/**
 * The store under the servers: state, journal and files held together.
 *
 * Invariants:
 * 1. A change is in the journal before it is in the state, and in the state before anybody is told.
 * 2. Checking a condition and making the change happen in one turn of the event loop, so conditions
 *    need no locks.
 * 3. A file is released only after the change that stopped naming it is in the journal.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { FileStore } from "./file-store.ts";
import { holdDirectory } from "./hold-directory.ts";
import { type Journal, openJournal } from "./journal.ts";
import type { Change } from "./records.ts";
import type { Bucket, StoreState } from "./store-state.ts";

export interface DatabaseOptions {
  readonly directory: string;
  /** Whether acknowledged writes survive a power cut, not only a crash of the process. */
  readonly durable: boolean;
}

export class ObjectDatabase {
  readonly files: FileStore;
  readonly #state: StoreState;
  readonly #journal: Journal;
  readonly #durable: boolean;
  readonly #letGo: () => Promise<void>;

  private constructor(
    opened: { readonly state: StoreState; readonly journal: Journal },
    files: FileStore,
    durable: boolean,
    letGo: () => Promise<void>,
  ) {
    this.#state = opened.state;
    this.#journal = opened.journal;
    this.files = files;
    this.#durable = durable;
    this.#letGo = letGo;
  }

  /** @throws {LocalObjectsError} `STATE_UNAVAILABLE`, `STATE_VERSION` */
  static async open({ directory, durable }: DatabaseOptions): Promise<ObjectDatabase> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const letGo = await holdDirectory(directory);
    try {
      const opened = openJournal(directory);
      const files = new FileStore(join(directory, "objects"), durable);
      await sweep(files, opened.state);
      return new ObjectDatabase(opened, files, durable, letGo);
    } catch (error) {
      await letGo();
      throw error;
    }
  }

  get buckets(): ReadonlyMap<string, Bucket> {
    return this.#state.buckets;
  }

  /**
   * Makes a change. The state has it when this returns; await the answer before telling anybody.
   */
  async commit(change: Change): Promise<void> {
    this.#journal.append(change);
    this.files.release(this.#state.apply(change));
    if (this.#durable) await this.#journal.flush();
  }

  async close(): Promise<void> {
    this.#journal.close();
    await this.#letGo();
  }
}

/** Removes files that no version and no part names. */
async function sweep(files: FileStore, state: StoreState): Promise<void> {
  const live = new Set<number>();
  // The clock keeps numbers rising across restarts, also over those of deletions, which nothing
  // remembers: the order of events hangs on it.
  let highest = Date.now() * 1000;
  for (const bucket of state.buckets.values()) {
    for (const { versions } of bucket.keys) {
      for (const { extents, sequence } of versions) {
        highest = Math.max(highest, sequence);
        for (const { file } of extents) live.add(file);
      }
    }
    for (const { parts } of bucket.uploads.values()) {
      for (const { extents } of parts.values()) for (const { file } of extents) live.add(file);
    }
  }
  await files.sweep((file) => live.has(file), highest);
}
