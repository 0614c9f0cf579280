/**
 * Keeps watching replication from the active site to its standbys.
 *
 * The controller's clock is written into a row at the active site and read at each standby, so one
 * clock is compared with itself and lag needs no synchronised clocks.
 *
 * 1. Writing, reading and sampling are loops of their own, one per site and question, each with a
 *    deadline per turn: a dead active site never delays what is known of a standby.
 * 2. Answering (`facts`, `schemaComparison`) reads memory only.
 * 3. It follows a change of role by itself: a standby that says it is active with a newer
 *    generation is the active site from then on.
 */
import type { ReplicationFacts, SiteId } from "@cloudphoenix/core";
import type { ReplicationWatch, SchemaComparison, StandbySchema } from "@cloudphoenix/engine";
import { loop } from "./background-loop.ts";
import { HEARTBEAT_EVERY_MS } from "./drain-replication.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { readSchema } from "./read-schema.ts";
import { type ActiveSample, judgeReplication, type StandbySample } from "./replication-state.ts";
import { readStandby, sampleActive, writeHeartbeat } from "./sample-replication.ts";
import { schemaDifferences, schemaDigest, type SchemaObject } from "./schema-object.ts";
import { sampleSequences } from "./sequences.ts";
import { readSubscription } from "./subscription.ts";
import { siteProblems } from "./uncovered-tables.ts";

const HEARTBEAT_DEADLINE_MS = 2_000;
const SAMPLE_EVERY_MS = 2_000;
const SAMPLE_DEADLINE_MS = 5_000;
const SCHEMA_EVERY_MS = 30_000;
/** A comparison that failed is tried again much sooner: without one, a move needs approval. */
const SCHEMA_RETRY_MS = 2_000;
const SCHEMA_DEADLINE_MS = 20_000;

/** All that is remembered about one standby. */
interface StandbyMemory {
  appliedAtMs: number | null;
  readAtMs: number | null;
  active: ActiveSample | null;
  standby: StandbySample | null;
  progress: { readonly appliedAtMs: number | null; readonly errors: number } | null;
  schema: SchemaComparison | null;
  /** Read for the comparison, or alone while the active site cannot be compared with. */
  ownSchema: StandbySchema | null;
}

interface SchemaLook {
  readonly site: SiteId;
  readonly objects: readonly SchemaObject[];
  readonly problems: readonly string[];
}

export class PostgresReplicationWatch implements ReplicationWatch {
  readonly #context: PostgresContext;
  readonly #standbys = new Map<SiteId, StandbyMemory>();
  readonly #generations = new Map<SiteId, number>();
  #active: SiteId;
  #stop = new AbortController();
  #loops: Promise<void>[] = [];
  #comparesSoon = false;

  /** @param active - the site that is active now, as the roles say */
  constructor(context: PostgresContext, active: SiteId) {
    this.#context = context;
    this.#active = active;
  }

  /** The site heartbeats are written to. */
  get active(): SiteId {
    return this.#active;
  }

  /** Starts watching. Does nothing if it does already. */
  start(): void {
    if (this.#loops.length > 0) return;
    this.#stop = new AbortController();
    this.#run(HEARTBEAT_EVERY_MS, HEARTBEAT_DEADLINE_MS, (signal) => this.#beat(signal));
    this.#run(SAMPLE_EVERY_MS, SAMPLE_DEADLINE_MS, (signal) => this.#sampleActiveSite(signal));
    this.#run(SAMPLE_EVERY_MS, SAMPLE_DEADLINE_MS, () => this.#keepSequences());
    this.#run(SCHEMA_RETRY_MS, SCHEMA_DEADLINE_MS, (signal) => this.#compareSchemas(signal));
    for (const site of this.#context.sites) {
      this.#run(HEARTBEAT_EVERY_MS, HEARTBEAT_DEADLINE_MS, (signal) => this.#read(site, signal));
      this.#run(SAMPLE_EVERY_MS, SAMPLE_DEADLINE_MS, (signal) => this.#sample(site, signal));
    }
  }

  /** Stops watching and returns once nothing is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    this.#loops = [];
  }

  /** Tells which site is active now. What was known under the old roles is forgotten. */
  setActive(site: SiteId): void {
    if (site === this.#active) return;
    this.#active = site;
    this.#standbys.clear();
  }

  facts(standby: SiteId): ReplicationFacts {
    const known = this.#standbys.get(standby);
    const isActive = standby === this.#active;
    const judgement = isActive
      ? ({ state: "unknown", detail: "this is the active site" } as const)
      : judgeReplication(known?.active ?? null, known?.standby ?? null, this.#context.clock.now());
    return {
      writtenAtMs: this.#context.memory.heartbeat(this.#active)?.atMs ?? null,
      appliedAtMs: known?.appliedAtMs ?? null,
      readAtMs: known?.readAtMs ?? null,
      lagBytes: known?.active?.lagBytes ?? null,
      ...judgement,
      ...((known?.standby?.subscription?.unready.length ?? 0) > 0 && { copying: true as const }),
    };
  }

  schemaComparison(standby: SiteId): SchemaComparison | null {
    return this.#standbys.get(standby)?.schema ?? null;
  }

  standbySchema(standby: SiteId): StandbySchema | null {
    return this.#standbys.get(standby)?.ownSchema ?? null;
  }

  /** Compares schemas at the next turn: something was mended, and nobody should wait to see it. */
  compareSoon(): void {
    this.#comparesSoon = true;
  }

  #run(everyMs: number, deadlineMs: number, turn: (signal: AbortSignal) => Promise<void>): void {
    const { clock } = this.#context;
    this.#loops.push(loop({ clock, everyMs, deadlineMs, stop: this.#stop.signal }, turn));
  }

  #standby(site: SiteId): StandbyMemory {
    const known = this.#standbys.get(site);
    if (known !== undefined) return known;
    const fresh: StandbyMemory = {
      appliedAtMs: null,
      readAtMs: null,
      active: null,
      standby: null,
      progress: null,
      schema: null,
      ownSchema: null,
    };
    this.#standbys.set(site, fresh);
    return fresh;
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { clock, connections, memory } = this.#context;
    const site = this.#active;
    const atMs = clock.now();
    const seen = await connections.withSession(site, signal, (one) => writeHeartbeat(one, atMs));
    if (seen !== null) memory.noteHeartbeat(site, seen);
  }

  async #read(site: SiteId, signal: AbortSignal): Promise<void> {
    if (site === this.#active) return;
    const { clock, connections } = this.#context;
    const reading = await connections.withSession(site, signal, readStandby);
    if (reading === null || site === this.#active) return;
    this.#note(site, reading);
    const { role, generation, writesOpen } = reading;
    // Before it opens, a move may yet be given up: its newest heartbeat stays the one it had got.
    if (role === "active" && writesOpen && this.#isNewest(site, generation)) {
      this.setActive(site);
      return;
    }
    const known = this.#standby(site);
    known.appliedAtMs = reading.heartbeatAtMs;
    known.readAtMs = clock.now();
  }

  /** A fence raises the generation, too: a fenced site is no rival of the one that took over. */
  #note(site: SiteId, { role, generation }: { role: string; generation: number }): void {
    if (role === "fenced") this.#generations.delete(site);
    else this.#generations.set(site, generation);
  }

  /** Two sites may say "active" after an old primary returned; the newer generation is right. */
  #isNewest(site: SiteId, generation: number): boolean {
    return [...this.#generations].every(([other, known]) => other === site || known < generation);
  }

  async #sampleActiveSite(signal: AbortSignal): Promise<void> {
    const { connections, memory, sites } = this.#context;
    const site = this.#active;
    await connections.withSession(site, signal, async (connection) => {
      const reading = await readStandby(connection);
      if (reading === null) return;
      this.#note(site, reading);
      if (reading.role === "active") memory.noteSequences(site, await sampleSequences(connection));
      for (const follower of sites) {
        if (follower === site) continue;
        const sample = await sampleActive(this.#context, connection, follower);
        if (site === this.#active) this.#standby(follower).active = sample;
      }
    });
  }

  /** Apart from the samples: they must not wait for the state database. */
  async #keepSequences(): Promise<void> {
    const { keptSequences, memory } = this.#context;
    const site = this.#active;
    await keptSequences.keep(site, memory.sequences(site));
  }

  async #sample(site: SiteId, signal: AbortSignal): Promise<void> {
    if (site === this.#active) return;
    const { application, clock, connections } = this.#context;
    const state = await connections.withSession(site, signal, (one) =>
      readSubscription(one, application),
    );
    if (site === this.#active) return;
    const known = this.#standby(site);
    const errors = state?.applyErrors ?? 0;
    if (known.progress === null || known.progress.appliedAtMs !== known.appliedAtMs) {
      known.progress = { appliedAtMs: known.appliedAtMs, errors };
    }
    known.standby = {
      atMs: clock.now(),
      subscription: state === null ? null : { enabled: state.enabled, unready: state.unready },
      errorsSinceProgress: errors - known.progress.errors,
    };
  }

  async #compareSchemas(signal: AbortSignal): Promise<void> {
    const { clock, sites } = this.#context;
    const active = this.#active;
    const standbys = sites.filter((site) => site !== active);
    const dueMs = this.#comparesSoon ? Infinity : clock.now() - SCHEMA_EVERY_MS;
    if (standbys.every((site) => (this.#standby(site).schema?.atMs ?? 0) > dueMs)) return;
    // Cleared before looking: what is mended meanwhile may have been looked at already.
    const asked = this.#comparesSoon;
    this.#comparesSoon = false;
    try {
      await this.#compare(active, standbys, signal);
    } catch (error) {
      this.#comparesSoon ||= asked;
      await this.#lookAtStandbys(active, standbys, signal);
      throw error;
    }
  }

  /** As seldom as schemas are compared: one of these standbys may be at work already. */
  async #lookAtStandbys(
    active: SiteId,
    standbys: readonly SiteId[],
    signal: AbortSignal,
  ): Promise<void> {
    const dueMs = this.#context.clock.now() - SCHEMA_EVERY_MS;
    for (const site of standbys) {
      if ((this.#standby(site).ownSchema?.atMs ?? 0) > dueMs) continue;
      const look = await this.#look(site, signal);
      if (active !== this.#active) return;
      this.#standby(site).ownSchema = this.#schemaIn(look);
    }
  }

  #schemaIn({ objects, problems }: SchemaLook): StandbySchema {
    return { atMs: this.#context.clock.now(), digest: schemaDigest(objects, problems) };
  }

  async #compare(active: SiteId, standbys: readonly SiteId[], signal: AbortSignal): Promise<void> {
    const left = await this.#look(active, signal);
    for (const site of standbys) {
      const right = await this.#look(site, signal);
      if (active !== this.#active) return;
      const ownSchema = this.#schemaIn(right);
      this.#standby(site).ownSchema = ownSchema;
      this.#standby(site).schema = {
        atMs: ownSchema.atMs,
        standbyDigest: ownSchema.digest,
        differences: [...schemaDifferences(left, right), ...left.problems, ...right.problems],
      };
    }
  }

  /** The schema of a site, and what of it is not covered there. */
  async #look(site: SiteId, signal: AbortSignal): Promise<SchemaLook> {
    const context = this.#context;
    return context.connections.withSession(site, signal, async (connection) => ({
      site,
      objects: await readSchema(connection),
      problems: (await siteProblems(context, connection)).map(
        ({ sentence }) => `at ${site}, ${sentence}`,
      ),
    }));
  }
}
