/** The port `Salvage` over PostgreSQL. Each method is a module of its own; this joins them. */
import type { SiteId } from "@cloudphoenix/core";
import type {
  DivergenceSummary,
  DivergentRow,
  ReapplyResult,
  RejoinRequest,
  RejoinResult,
  Salvage,
  SiteComparison,
} from "@cloudphoenix/engine";
import type { PostgresContext } from "../postgres-context.ts";
import { compareSites } from "./compare-sites.ts";
import { eachDivergentRow } from "./divergent-rows.ts";
import { inspectDivergence } from "./inspect-divergence.ts";
import { pulled } from "./pulled.ts";
import { reapplyTransactions } from "./reapply-transactions.ts";
import { rejoinSite } from "./rejoin-site.ts";

export class PostgresSalvage implements Salvage {
  readonly #context: PostgresContext;

  constructor(context: PostgresContext) {
    this.#context = context;
  }

  inspect(from: SiteId, appliedLsn: string, signal: AbortSignal): Promise<DivergenceSummary> {
    return inspectDivergence(this.#context, { from, applied: appliedLsn }, signal);
  }

  rows(from: SiteId, appliedLsn: string, signal: AbortSignal): AsyncIterable<DivergentRow> {
    return pulled(signal, (take, stopped) =>
      eachDivergentRow(this.#context, { from, applied: appliedLsn }, stopped, take),
    );
  }

  reapply(
    from: SiteId,
    to: SiteId,
    request: { readonly appliedLsn: string; readonly generation: number },
    signal: AbortSignal,
  ): Promise<ReapplyResult> {
    return reapplyTransactions(this.#context, { from, to, ...request }, signal);
  }

  rejoin(
    site: SiteId,
    to: SiteId,
    request: RejoinRequest,
    signal: AbortSignal,
  ): Promise<RejoinResult> {
    return rejoinSite(this.#context, { site, to }, request, signal);
  }

  compare(writer: SiteId, follower: SiteId, signal: AbortSignal): Promise<SiteComparison> {
    return compareSites(this.#context, { writer, follower }, signal);
  }
}
