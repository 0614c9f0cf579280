/**
 * What really happened, written down as it happens and judged at once. Nothing the controllers,
 * agents or databases believe is read here without being compared with the world.
 *
 * Invariants, by the names violations carry:
 * - `one-writer`: no write is accepted at one site after another site has accepted one for a newer
 *   (or the same) epoch; no acknowledgement leaves a site after that either, unless its write
 *   is at the new writer, too. Excepted are moves whose weak fence people have accepted.
 * - `broken-proof`: no write is accepted at a site for an epoch older than that of a run which had proof
 *   that the writers there had stopped.
 * - `epochs`: what is stored as a generation never falls; a change for an older one changes nothing.
 */
import type { SiteId } from "@cloudphoenix/core";
import type { Scheduler } from "./scheduler.ts";

export interface Violation {
  readonly invariant: string;
  readonly atMs: number;
  readonly sentence: string;
}

export interface TimelineEntry {
  readonly atMs: number;
  readonly text: string;
}

/** More of the same say nothing new. */
const VIOLATIONS_MAX = 64;

export class Truth {
  readonly #scheduler: Scheduler;
  readonly timeline: TimelineEntry[] = [];
  readonly violations: Violation[] = [];
  /** Writes a client was told are saved, by id. */
  readonly acknowledged: Map<number, SiteId> = new Map();
  /** The newest epoch that accepted a write, and where and since when. */
  newest: { readonly site: SiteId; readonly epoch: number; readonly sinceMs: number } | null = null;
  /** Who took writes, for which epoch, oldest first. */
  readonly writers: { readonly site: SiteId; readonly epoch: number }[] = [];
  /** Epochs whose fence people accepted although it was weak. */
  readonly riskAccepted: Set<number> = new Set();
  readonly #epochs = new Map<string, number>();
  /** The newest generation for which a run had proof that a site takes no writes of older ones. */
  readonly #stopped = new Map<SiteId, number>();
  readonly recording: boolean;

  constructor(scheduler: Scheduler, recording: boolean) {
    this.#scheduler = scheduler;
    this.recording = recording;
  }

  /** A line of the timeline; part of what two runs of one seed must agree on. */
  note(text: string): void {
    this.#scheduler.mark(text);
    if (this.recording) this.timeline.push({ atMs: this.#scheduler.nowMs, text });
  }

  violate(invariant: string, sentence: string): void {
    const atMs = this.#scheduler.nowMs;
    this.violations.push({ invariant, atMs, sentence });
    this.note(`VIOLATION ${invariant}: ${sentence}`);
  }

  /** A database accepted a write at COMMIT. */
  accepted(site: SiteId, epoch: number): void {
    this.#judgeWriter(site, epoch, "accepted a write");
    this.#judgeProof(site, epoch);
    const { newest } = this;
    if (newest !== null && newest.epoch > epoch) return;
    if (newest?.site === site && newest.epoch === epoch) return;
    this.newest = { site, epoch, sinceMs: this.#scheduler.nowMs };
    this.writers.push({ site, epoch });
    this.note(`first write accepted at ${site} for epoch ${epoch}`);
  }

  /** A service told its client that a write is saved. */
  acknowledges(site: SiteId, epoch: number): void {
    this.#judgeWriter(site, epoch, "acknowledged a write");
  }

  /** A run has put down that nobody writes at `site` any more for what is older than `generation`. */
  provenStopped(site: SiteId, generation: number): void {
    this.#stopped.set(site, Math.max(generation, this.#stopped.get(site) ?? 0));
  }

  /** Something stored a generation, or made a change for one. */
  changed(target: string, generation: number, stored: number): void {
    const newest = Math.max(stored, this.#epochs.get(target) ?? 0);
    if (generation < newest) {
      this.violate(
        "epochs",
        `${target} was changed for ${generation} although it was at ${newest}`,
      );
    }
    this.#epochs.set(target, Math.max(newest, generation));
  }

  #judgeProof(site: SiteId, epoch: number): void {
    const generation = this.#stopped.get(site) ?? 0;
    if (epoch >= generation || this.violations.length >= VIOLATIONS_MAX) return;
    this.violate(
      "broken-proof",
      `${site} accepted a write for epoch ${epoch} although a run had proof for ${generation} that it had stopped`,
    );
  }

  #judgeWriter(site: SiteId, epoch: number, what: string): void {
    const { newest } = this;
    if (newest === null || newest.site === site || newest.epoch < epoch) return;
    if (this.riskAccepted.has(newest.epoch)) return;
    if (this.violations.length >= VIOLATIONS_MAX) return;
    const agoMs = (this.#scheduler.nowMs - newest.sinceMs).toFixed(1);
    this.violate(
      "one-writer",
      `${site} ${what} for epoch ${epoch}, ${agoMs} ms after ${newest.site} accepted one for epoch ${newest.epoch}`,
    );
  }
}
