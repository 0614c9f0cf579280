import { CloudPhoenixError } from "@cloudphoenix/core";
import type { MissingObject, RoundFacts, Tombstone, TombstoneStore } from "@cloudphoenix/objects";
import type { PoolClient } from "pg";
import { ADVISORY_LOCKS } from "../state/advisory-locks.ts";
import type { StateConnection } from "../state/state-connection.ts";

interface RoundRow {
  readonly completed_ms: string;
  readonly source_objects: string;
  readonly target_objects: string;
}

interface TombstoneRow {
  readonly name: string;
  readonly target_etag: string;
  readonly since_ms: string;
}

/** Tombstones of one pair of places, in the state database: they outlive every worker. */
export class PostgresTombstoneStore implements TombstoneStore {
  readonly #state: StateConnection;
  readonly #pair: string;

  constructor(state: StateConnection, pair: string) {
    this.#state = state;
    this.#pair = pair;
  }

  async openRound(): Promise<number> {
    return this.#locked(async (client) => {
      await client.query(
        "delete from cloudphoenix.object_round where pair = $1 and completed_ms is null",
        [this.#pair],
      );
      await client.query(
        "delete from cloudphoenix.object_missing where pair = $1 and since_ms is null",
        [this.#pair],
      );
      const { rows } = await client.query<{ number: string }>(
        "insert into cloudphoenix.object_round (pair) values ($1) returning number",
        [this.#pair],
      );
      return Number(rows[0]?.number);
    });
  }

  async noteMissing(round: number, missing: readonly MissingObject[]): Promise<void> {
    await this.#locked(async (client) => {
      await this.#expectOpen(client, round);
      await client.query(
        `insert into cloudphoenix.object_missing as m
           (pair, name, target_etag, since_ms, seen_etag, seen_round)
         select $1, name, etag, null, etag, $2
         from unnest($3::text[], $4::text[]) as given (name, etag)
         on conflict (pair, name) do update
           set seen_etag = excluded.seen_etag, seen_round = excluded.seen_round`,
        [this.#pair, round, missing.map((one) => one.name), missing.map((one) => one.targetEtag)],
      );
    });
  }

  async completeRound(
    round: number,
    facts: RoundFacts,
    looked: (name: string) => boolean = () => true,
  ): Promise<void> {
    await this.#locked(async (client) => {
      await this.#expectOpen(client, round);
      const { rows: unseen } = await client.query<{ name: string }>(
        "select name from cloudphoenix.object_missing where pair = $1 and seen_round <> $2",
        [this.#pair, round],
      );
      await client.query(
        "delete from cloudphoenix.object_missing where pair = $1 and name = any($2)",
        [this.#pair, unseen.map(({ name }) => name).filter((name) => looked(name))],
      );
      await client.query(
        `update cloudphoenix.object_missing set since_ms = $2, target_etag = seen_etag
         where pair = $1 and (since_ms is null or target_etag <> seen_etag)`,
        [this.#pair, facts.completedMs],
      );
      await client.query("delete from cloudphoenix.object_round where pair = $1 and number <> $2", [
        this.#pair,
        round,
      ]);
      await client.query(
        `update cloudphoenix.object_round
         set completed_ms = $2, source_objects = $3, target_objects = $4 where number = $1`,
        [round, facts.completedMs, facts.sourceObjects, facts.targetObjects],
      );
    });
  }

  async lastRound(): Promise<RoundFacts | null> {
    const [row] = await this.#state.query<RoundRow>(
      `select completed_ms, source_objects, target_objects from cloudphoenix.object_round
       where pair = $1 and completed_ms is not null order by number desc limit 1`,
      [this.#pair],
    );
    if (row === undefined) return null;
    return {
      completedMs: Number(row.completed_ms),
      sourceObjects: Number(row.source_objects),
      targetObjects: Number(row.target_objects),
    };
  }

  async count(sinceMs: number): Promise<{ readonly missing: number; readonly due: number }> {
    const [row] = await this.#state.query<{ missing: string; due: string }>(
      `select count(*) as missing, count(*) filter (where since_ms <= $2::float8) as due
       from cloudphoenix.object_missing where pair = $1 and since_ms is not null`,
      [this.#pair, sinceMs],
    );
    return { missing: Number(row?.missing), due: Number(row?.due) };
  }

  async due(
    sinceMs: number,
    { after, limit }: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly Tombstone[]> {
    const rows = await this.#state.query<TombstoneRow>(
      `select name, target_etag, since_ms from cloudphoenix.object_missing
       where pair = $1 and since_ms <= $2::float8 and ($3::text is null or name > $3)
       order by name limit $4`,
      [this.#pair, sinceMs, after, limit],
    );
    return rows.map((row) => ({
      name: row.name,
      targetEtag: row.target_etag,
      sinceMs: Number(row.since_ms),
    }));
  }

  async forget(names: readonly string[]): Promise<void> {
    await this.#state.query(
      "delete from cloudphoenix.object_missing where pair = $1 and name = any($2)",
      [this.#pair, names],
    );
  }

  /** Rounds of one pair take turns: two followers at once must not complete each other's. */
  async #locked<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return this.#state.transaction(async (client) => {
      await client.query("select pg_advisory_xact_lock(hashtextextended($1, $2))", [
        this.#pair,
        ADVISORY_LOCKS.objectRounds,
      ]);
      return work(client);
    });
  }

  async #expectOpen(client: PoolClient, round: number): Promise<void> {
    const { rowCount } = await client.query(
      `select number from cloudphoenix.object_round
       where pair = $1 and number = $2 and completed_ms is null`,
      [this.#pair, round],
    );
    if (rowCount === 1) return;
    throw new CloudPhoenixError("CONFLICT", `round ${round} is not the open one`, {
      retryable: false,
      hint: "Begin a new round; another one has taken its place.",
    });
  }
}
