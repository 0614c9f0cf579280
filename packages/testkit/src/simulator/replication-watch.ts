/**
 * What one controller knows of replication: heartbeats out, heartbeats in. The same questions and
 * the same judgement as the real watch, with fewer words.
 */
import type { ReplicationFacts, SiteId } from "@cloudphoenix/core";
import type { ReplicationWatch, SchemaComparison, StandbySchema } from "@cloudphoenix/engine";
import type { BeatMemory } from "./beat-memory.ts";
import { BEAT_EVERY_MS } from "./draining.ts";
import type { Process } from "./process.ts";
import { statementsOf } from "./statements.ts";
import type { World } from "./world.ts";

const READ_EVERY_MS = 1_000;
const SAMPLE_STALE_MS = 6_000;
const COMPARE_EVERY_MS = 30_000;
/** No schema is simulated: it is the same for ever. */
const SCHEMA = "schema";

interface Reading {
  appliedAtMs: number | null;
  readAtMs: number | null;
  /** Whom it follows. */
  follows: SiteId | null;
  copyComplete: boolean;
}

export class SimulatedReplicationWatch implements ReplicationWatch {
  readonly #world: World;
  readonly #client: Process;
  readonly #beats: BeatMemory;
  readonly #readings = new Map<SiteId, Reading>();
  readonly #generations = new Map<SiteId, number>();
  #active: SiteId;
  #compared: SchemaComparison | null = null;

  constructor(world: World, client: Process, beats: BeatMemory, active: SiteId) {
    this.#world = world;
    this.#client = client;
    this.#beats = beats;
    this.#active = active;
  }

  get active(): SiteId {
    return this.#active;
  }

  /** Keeps asking until its process dies or `stop` aborts. */
  start(stop: AbortSignal): void {
    this.#every(BEAT_EVERY_MS, stop, (signal) => this.#beat(signal));
    for (const { id } of this.#world.sites) {
      this.#every(READ_EVERY_MS, stop, (signal) => this.#read(id, signal));
    }
  }

  facts(standby: SiteId): ReplicationFacts {
    const reading = this.#readings.get(standby);
    const writtenAtMs = this.#beats.newest(this.#active);
    const looksFresh = this.#world.sabotages.has("stale-looks-fresh");
    return {
      writtenAtMs,
      appliedAtMs: looksFresh ? writtenAtMs : (reading?.appliedAtMs ?? null),
      readAtMs: reading?.readAtMs ?? null,
      lagBytes: null,
      ...this.#stateOf(reading),
      ...(reading?.copyComplete === false && { copying: true as const }),
    };
  }

  schemaComparison(): SchemaComparison | null {
    return this.#compared;
  }

  standbySchema(standby: SiteId): StandbySchema | null {
    const atMs = this.#readings.get(standby)?.readAtMs ?? null;
    return atMs === null ? null : { atMs, digest: SCHEMA };
  }

  #stateOf(reading: Reading | undefined): Pick<ReplicationFacts, "state" | "detail"> {
    const nowMs = this.#client.clock.now();
    if (reading?.readAtMs == null || nowMs - reading.readAtMs > SAMPLE_STALE_MS) {
      return { state: "unknown", detail: "the standby does not answer" };
    }
    if (reading.follows !== this.#active) {
      return { state: "broken", detail: `it does not follow ${this.#active}` };
    }
    if (!reading.copyComplete) return { state: "catching-up", detail: "the copy is not complete" };
    return { state: "streaming", detail: "streaming" };
  }

  #every(everyMs: number, stop: AbortSignal, ask: (signal: AbortSignal) => Promise<void>): void {
    const turn = (): void => {
      if (stop.aborted) return;
      const limit = new AbortController();
      ask(limit.signal).catch(() => undefined);
      this.#client.after(everyMs, () => {
        limit.abort();
        turn();
      });
    };
    turn();
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const site = this.#active;
    const atMs = this.#client.clock.now();
    const ask = statementsOf(this.#world, this.#client);
    const open = await ask(site, signal, async ({ database }) => {
      const { writesOpen } = database;
      return (await database.beat(atMs)) === null ? null : writesOpen;
    });
    if (open === null || !this.#beats.note(site, atMs, open)) return;
    this.#world.judge.sawAlive(this.#client.name, site);
  }

  async #read(site: SiteId, signal: AbortSignal): Promise<void> {
    const ask = statementsOf(this.#world, this.#client);
    const reading = await ask(site, signal, ({ database }) => ({
      role: database.role,
      generation: database.generation,
      writesOpen: database.writesOpen,
      beat: database.newestBeat(),
      follows: database.follows?.site ?? null,
      copyComplete: database.copyComplete,
    }));
    this.#generations.set(site, reading.generation);
    if (site === this.#active) {
      this.#compare();
      return;
    }
    const { role, generation, writesOpen } = reading;
    if (role === "active" && writesOpen && this.#isNewest(site, generation)) {
      this.#active = site;
      this.#readings.clear();
      return;
    }
    const { follows, copyComplete } = reading;
    this.#readings.set(site, {
      appliedAtMs: reading.beat?.atMs ?? null,
      readAtMs: this.#client.clock.now(),
      follows,
      copyComplete,
    });
  }

  /** As seldom as the real watch does. */
  #compare(): void {
    const atMs = this.#client.clock.now();
    if (this.#compared !== null && atMs - this.#compared.atMs < COMPARE_EVERY_MS) return;
    this.#compared = { atMs, standbyDigest: SCHEMA, differences: [] };
  }

  #isNewest(site: SiteId, generation: number): boolean {
    return [...this.#generations].every(([other, known]) => other === site || known < generation);
  }
}
