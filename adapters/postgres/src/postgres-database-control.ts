/** The port `DatabaseControl` over PostgreSQL. Each method is a module of its own; this joins them. */
import type { FenceProof, LossBound, LossReport, SiteId } from "@cloudphoenix/core";
import type { DatabaseControl, DatabaseState, Promotion } from "@cloudphoenix/engine";
import { boundLoss, drainReplication } from "./drain-replication.ts";
import { fenceDatabase } from "./fence-database.ts";
import { inspectDatabase } from "./inspect-database.ts";
import { measureLostTransactions } from "./measure-loss.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { promoteDatabase } from "./promote-database.ts";
import { closeWrites, openWrites, unfenceDatabase } from "./write-access.ts";

export class PostgresDatabaseControl implements DatabaseControl {
  readonly #context: PostgresContext;

  constructor(context: PostgresContext) {
    this.#context = context;
  }

  inspect(site: SiteId, signal: AbortSignal): Promise<DatabaseState> {
    return inspectDatabase(this.#context, site, signal);
  }

  fence(site: SiteId, generation: number, signal: AbortSignal): Promise<FenceProof> {
    return fenceDatabase(this.#context, site, generation, signal);
  }

  unfence(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    return unfenceDatabase(this.#context, { site, generation }, signal);
  }

  drain(from: SiteId, to: SiteId, signal: AbortSignal): Promise<{ readonly lsn: string }> {
    return drainReplication(this.#context, { from, to }, signal);
  }

  lossBound(from: SiteId, to: SiteId, signal: AbortSignal): Promise<LossBound> {
    return boundLoss(this.#context, { from, to }, signal);
  }

  promote(site: SiteId, from: SiteId, generation: number, signal: AbortSignal): Promise<Promotion> {
    return promoteDatabase(this.#context, { site, from, generation }, signal);
  }

  openWrites(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    return openWrites(this.#context, { site, generation }, signal);
  }

  closeWrites(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    return closeWrites(this.#context, { site, generation }, signal);
  }

  measureLoss(from: SiteId, appliedLsn: string, signal: AbortSignal): Promise<LossReport> {
    return measureLostTransactions(this.#context, { from, applied: appliedLsn }, signal);
  }
}
