import type { DatabaseSync, StatementSync } from "node:sqlite";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { MissingObject, RoundFacts, Tombstone, TombstoneStore } from "../tombstone-store.ts";
import { numberOf, textOf } from "./columns.ts";

/**
 * Tombstones in the tables of `SyncState`. One row per missing name: since when complete rounds miss
 * it, and which round saw it last.
 */
export class SqliteTombstoneStore implements TombstoneStore {
  readonly #database: DatabaseSync;
  readonly #note: StatementSync;
  readonly #due: StatementSync;
  readonly #count: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#note = database.prepare(
      `INSERT INTO missing (name, target_etag, since_ms, seen_etag, seen_round) VALUES (?, ?, NULL, ?, ?)
       ON CONFLICT (name) DO UPDATE SET seen_etag = excluded.seen_etag, seen_round = excluded.seen_round`,
    );
    this.#due = database.prepare(
      `SELECT name, target_etag, since_ms FROM missing
       WHERE since_ms <= ?1 AND (?2 IS NULL OR name > ?2) ORDER BY name LIMIT ?3`,
    );
    this.#count = database.prepare(
      `SELECT count(*) AS missing, coalesce(sum(since_ms <= ?), 0) AS due FROM missing
       WHERE since_ms IS NOT NULL`,
    );
    this.#forget = database.prepare("DELETE FROM missing WHERE name = ?");
  }

  async openRound(): Promise<number> {
    await Promise.resolve();
    return this.#transaction(() => {
      this.#database.exec("DELETE FROM round WHERE completed_ms IS NULL");
      this.#database.exec("DELETE FROM missing WHERE since_ms IS NULL");
      const { lastInsertRowid } = this.#database.prepare("INSERT INTO round DEFAULT VALUES").run();
      return Number(lastInsertRowid);
    });
  }

  async noteMissing(round: number, missing: readonly MissingObject[]): Promise<void> {
    await Promise.resolve();
    this.#transaction(() => {
      this.#expectOpen(round);
      for (const { name, targetEtag } of missing) {
        this.#note.run(name, targetEtag, targetEtag, round);
      }
    });
  }

  async completeRound(
    round: number,
    facts: RoundFacts,
    looked: (name: string) => boolean = () => true,
  ): Promise<void> {
    await Promise.resolve();
    this.#transaction(() => {
      this.#expectOpen(round);
      for (const name of this.#unseenIn(round)) if (looked(name)) this.#forget.run(name);
      this.#run(
        `UPDATE missing SET since_ms = ?, target_etag = seen_etag
         WHERE since_ms IS NULL OR target_etag <> seen_etag`,
        facts.completedMs,
      );
      this.#run("DELETE FROM round WHERE number <> ?", round);
      this.#run(
        `UPDATE round SET completed_ms = ?, source_objects = ?, target_objects = ? WHERE number = ?`,
        facts.completedMs,
        facts.sourceObjects,
        facts.targetObjects,
        round,
      );
    });
  }

  async lastRound(): Promise<RoundFacts | null> {
    await Promise.resolve();
    const row = this.#database
      .prepare("SELECT * FROM round WHERE completed_ms IS NOT NULL ORDER BY number DESC LIMIT 1")
      .get();
    if (row === undefined) return null;
    return {
      completedMs: numberOf(row["completed_ms"]),
      sourceObjects: numberOf(row["source_objects"]),
      targetObjects: numberOf(row["target_objects"]),
    };
  }

  async count(sinceMs: number): Promise<{ readonly missing: number; readonly due: number }> {
    await Promise.resolve();
    const row = this.#count.get(sinceMs);
    return { missing: numberOf(row?.["missing"]), due: numberOf(row?.["due"]) };
  }

  async due(
    sinceMs: number,
    { after, limit }: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly Tombstone[]> {
    await Promise.resolve();
    return this.#due.all(sinceMs, after, limit).map((row) => ({
      name: textOf(row["name"]),
      targetEtag: textOf(row["target_etag"]),
      sinceMs: numberOf(row["since_ms"]),
    }));
  }

  async forget(names: readonly string[]): Promise<void> {
    await Promise.resolve();
    this.#transaction(() => {
      for (const name of names) this.#forget.run(name);
    });
  }

  #unseenIn(round: number): readonly string[] {
    const unseen = this.#database.prepare("SELECT name FROM missing WHERE seen_round IS NOT ?");
    return unseen.all(round).map((row) => textOf(row["name"]));
  }

  #expectOpen(round: number): void {
    const row = this.#database
      .prepare("SELECT number FROM round WHERE number = ? AND completed_ms IS NULL")
      .get(round);
    if (row !== undefined) return;
    throw new CloudPhoenixError("CONFLICT", `round ${round} is not the open one`, {
      retryable: false,
      hint: "Begin a new round; another one has taken its place.",
    });
  }

  #run(statement: string, ...values: number[]): void {
    this.#database.prepare(statement).run(...values);
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec("BEGIN");
    try {
      const value = work();
      this.#database.exec("COMMIT");
      return value;
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }
}
