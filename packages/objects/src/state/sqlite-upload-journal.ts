import type { DatabaseSync, StatementSync } from "node:sqlite";
import type {
  HashProgress,
  JournaledPart,
  UploadJournal,
  UploadProgress,
  UploadRecord,
} from "../upload-journal.ts";
import { blobOf, numberOf, textOf } from "./columns.ts";

/** Unfinished uploads in the tables of `SyncState`. */
export class SqliteUploadJournal implements UploadJournal {
  readonly #begin: StatementSync;
  readonly #part: StatementSync;
  readonly #hashed: StatementSync;
  readonly #find: StatementSync;
  readonly #parts: StatementSync;
  readonly #forget: StatementSync;
  readonly #forgetParts: StatementSync;
  readonly #all: StatementSync;

  constructor(database: DatabaseSync) {
    this.#begin = database.prepare("INSERT INTO upload (key, record) VALUES (?, ?)");
    this.#part = database.prepare("INSERT OR REPLACE INTO upload_part VALUES (?, ?, ?, ?, ?)");
    this.#hashed = database.prepare(
      "UPDATE upload SET hashed_parts = ?, hash_state = ? WHERE key = ?",
    );
    this.#find = database.prepare("SELECT * FROM upload WHERE key = ?");
    this.#parts = database.prepare("SELECT * FROM upload_part WHERE key = ? ORDER BY number");
    this.#forget = database.prepare("DELETE FROM upload WHERE key = ?");
    this.#forgetParts = database.prepare("DELETE FROM upload_part WHERE key = ?");
    this.#all = database.prepare("SELECT record FROM upload");
  }

  async find(key: string): Promise<UploadProgress | null> {
    await Promise.resolve();
    const row = this.#find.get(key);
    if (row === undefined) return null;
    const state = row["hash_state"];
    return {
      record: recordOf(row["record"]),
      parts: this.#parts.all(key).map((part) => ({
        number: numberOf(part["number"]),
        sizeBytes: numberOf(part["size_bytes"]),
        receipt: textOf(part["receipt"]),
        md5: textOf(part["md5"]),
      })),
      hashed:
        state === null ? null : { parts: numberOf(row["hashed_parts"]), state: blobOf(state) },
    };
  }

  async begin(record: UploadRecord): Promise<void> {
    await this.forget(record.key);
    this.#begin.run(record.key, JSON.stringify(record));
  }

  async partStored(key: string, part: JournaledPart): Promise<void> {
    await Promise.resolve();
    this.#part.run(key, part.number, part.sizeBytes, part.receipt, part.md5);
  }

  async hashed(key: string, { parts, state }: HashProgress): Promise<void> {
    await Promise.resolve();
    this.#hashed.run(parts, state, key);
  }

  async forget(key: string): Promise<void> {
    await Promise.resolve();
    // Parts last: without their upload they mean nothing, and the next upload of the key clears them.
    this.#forget.run(key);
    this.#forgetParts.run(key);
  }

  async all(): Promise<readonly UploadRecord[]> {
    await Promise.resolve();
    return this.#all.all().map((row) => recordOf(row["record"]));
  }
}

function recordOf(value: unknown): UploadRecord {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this class wrote it, in this format
  return JSON.parse(textOf(value)) as UploadRecord;
}
