/**
 * The memory of one pair of places in one SQLite file: tombstones and unfinished uploads.
 *
 * 1. Every call is one transaction; what it kept survives kill -9.
 * 2. While it is open nobody else can open it: the operating system holds the lock and gives it back when
 *    the process ends, however it ends.
 * 3. It belongs to one pair of places: another pair is refused.
 * 4. No credential is ever stored here.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import type { TombstoneStore } from "../tombstone-store.ts";
import type { UploadJournal } from "../upload-journal.ts";
import { SqliteTombstoneStore } from "./sqlite-tombstone-store.ts";
import { SqliteUploadJournal } from "./sqlite-upload-journal.ts";

export interface SyncStateOptions {
  /** The file; its folder is made. `:memory:` forgets everything at the end. */
  readonly path: string;
  /** Both addresses: what the memory is about. */
  readonly pair: string;
}

const FORMAT = 1;

const TABLES = `
  CREATE TABLE IF NOT EXISTS about (pair TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS upload (
    key TEXT PRIMARY KEY, record TEXT NOT NULL, hashed_parts INTEGER, hash_state BLOB) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS upload_part (
    key TEXT NOT NULL, number INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
    receipt TEXT NOT NULL, md5 TEXT NOT NULL, PRIMARY KEY (key, number)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS round (
    number INTEGER PRIMARY KEY AUTOINCREMENT, completed_ms INTEGER,
    source_objects INTEGER, target_objects INTEGER);
  CREATE TABLE IF NOT EXISTS missing (
    name TEXT PRIMARY KEY, target_etag TEXT NOT NULL, since_ms INTEGER,
    seen_etag TEXT, seen_round INTEGER) WITHOUT ROWID;
`;

export class SyncState {
  readonly journal: UploadJournal;
  readonly tombstones: TombstoneStore;
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.journal = new SqliteUploadJournal(database);
    this.tombstones = new SqliteTombstoneStore(database);
  }

  /**
   * @throws {CloudPhoenixError} `ALREADY_RUNNING` (another process holds it), `STATE_VERSION`,
   * `STATE_UNAVAILABLE`, `CONFLICT` (it belongs to another pair)
   */
  static open(options: SyncStateOptions): SyncState {
    try {
      if (options.path !== ":memory:") mkdirSync(dirname(options.path), { recursive: true });
      const database = new DatabaseSync(options.path, { timeout: 0 });
      try {
        prepare(database, options.pair);
        return new SyncState(database);
      } catch (error) {
        database.close();
        throw error;
      }
    } catch (error) {
      throw openingError(error, options);
    }
  }

  close(): void {
    this.#database.close();
  }
}

function prepare(database: DatabaseSync, pair: string): void {
  // Exclusive and held: this is the lock against a second sync of the pair. NORMAL keeps every
  // transaction through kill -9; a power cut may lose the last ones, which only costs work.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;");
  database.exec("PRAGMA synchronous = NORMAL; BEGIN EXCLUSIVE;");
  const { user_version: version } = database.prepare("PRAGMA user_version").get() ?? {};
  if (version !== 0 && version !== FORMAT) {
    throw new CloudPhoenixError("STATE_VERSION", `the state is of format ${String(version)}`, {
      retryable: false,
      hint: "Use the version that wrote it, or another --state-dir.",
    });
  }
  database.exec(`${TABLES} PRAGMA user_version = ${FORMAT};`);
  const about = database.prepare("SELECT pair FROM about").get()?.["pair"];
  if (about === undefined) database.prepare("INSERT INTO about VALUES (?)").run(pair);
  database.exec("COMMIT");
  if (about === undefined || about === pair) return;
  throw new CloudPhoenixError("CONFLICT", `the state belongs to ${String(about)}, not ${pair}`, {
    retryable: false,
    hint: "Use another --state-dir for this pair.",
  });
}

function openingError(error: unknown, { path, pair }: SyncStateOptions): CloudPhoenixError {
  if (error instanceof CloudPhoenixError) return error;
  if (/locked|busy/i.test(messageOf(error))) {
    return new CloudPhoenixError("ALREADY_RUNNING", `another process syncs ${pair} (${path})`, {
      retryable: true,
      hint: "Wait until it ends, or end it; its lock ends with it.",
      cause: error,
    });
  }
  const message = `the state in ${path} cannot be used: ${messageOf(error)}`;
  return new CloudPhoenixError("STATE_UNAVAILABLE", message, {
    retryable: false,
    hint: "Name a folder that can be written to with --state-dir; a damaged file may be removed, which costs work and delays deletes.",
    cause: error,
  });
}
