/** Two stores in memory, hints pushed by hand, and a continuous copier between them. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import {
  type MemoryObjectStoreOptions,
  type FaultHook,
  FaultyObjectStore,
  MemoryObjectStore,
  VirtualClock,
} from "@cloudphoenix/testkit";
import { BandwidthLimit } from "../../src/bandwidth-limit.ts";
import { ByteBudget } from "../../src/byte-budget.ts";
import type { ChangeHint, ChangeHintBatch, ChangeHints } from "../../src/change-hints.ts";
import { ContinuousCopy } from "../../src/continuous/continuous-copy.ts";
import type {
  ContinuousCopyOptions,
  ContinuousLimits,
} from "../../src/continuous/continuous-copy-options.ts";
import type { CopiedObject, CopiedVersions } from "../../src/copied-versions.ts";
import { type CopyTools, DEFAULT_SIZES } from "../../src/copy-tools.ts";
import type { ObjectStore } from "../../src/object-store.ts";
import { DEFAULT_RETRIES } from "../../src/retries.ts";
import { SyncState } from "../../src/state/sync-state.ts";

const LIMITS: ContinuousLimits = {
  inFlight: 4,
  pendingMax: 1_000,
  canaryMs: 2_000,
  reconcileMinMs: 60_000,
  reconcileMaxMs: 600_000,
  deletes: { delayMs: 600_000, maxPercent: 50, maxCount: 100 },
};

export class FakeHints implements ChangeHints {
  readonly address = "memory://hints";
  readonly #waiting: ChangeHintBatch[] = [];
  #wake: () => void = () => undefined;
  done = 0;

  push(...hints: readonly ChangeHint[]): void {
    const done = async (): Promise<void> => {
      this.done += 1;
    };
    this.#waiting.push({ hints, setAside: [], done });
    this.#wake();
  }

  async *batches(signal: AbortSignal): AsyncGenerator<ChangeHintBatch, void, undefined> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else await Promise.race([aborted, new Promise<void>((resolve) => (this.#wake = resolve))]);
    }
  }

  backlog(): Promise<{ messages: number }> {
    return Promise.resolve({ messages: this.#waiting.length });
  }
}

/** What every copy of a test shares. */
interface ToolParts {
  readonly source: ObjectStore;
  readonly target: ObjectStore;
  readonly clock: VirtualClock;
  readonly state: SyncState;
}

export function toolsFor({ source, target, clock, state }: ToolParts): CopyTools {
  return {
    source,
    target,
    surroundings: { clock, random: { next: () => 0.5 } },
    retries: { ...DEFAULT_RETRIES, attempts: 2, firstWaitMs: 10 },
    journal: state.journal,
    sizes: DEFAULT_SIZES,
    memory: new ByteBudget(64 * 1024 * 1024),
    bandwidth: new BandwidthLimit(null, clock),
  };
}

/** What a test may set apart from the defaults. */
export interface WorldOptions {
  readonly limits?: Partial<ContinuousLimits>;
  readonly sourceFaults?: FaultHook;
  readonly targetFaults?: FaultHook;
  readonly more?: Partial<ContinuousCopyOptions>;
  /** The target's listing tells no MD5, like that of a bucket under KMS. */
  readonly listsNoMd5?: boolean;
}

/** What a test may set of the two stores. */
export interface StoreOptions {
  readonly source?: MemoryObjectStoreOptions;
  readonly target?: MemoryObjectStoreOptions;
}

/** What was copied, by site: as the state database keeps it. */
export class KeptVersions implements CopiedVersions {
  readonly #rows = new Map<string, Map<string, CopiedObject & { readonly atMs: number }>>();

  async note(site: string, versions: readonly CopiedObject[], atMs: number): Promise<void> {
    for (const version of versions) this.#at(site).set(version.name, { ...version, atMs });
  }

  async forget(site: string, names: readonly string[]): Promise<void> {
    for (const name of names) this.#at(site).delete(name);
  }

  async of(site: string): Promise<readonly CopiedObject[]> {
    return [...this.#at(site).values()];
  }

  async tidy(site: string, beforeMs: number): Promise<void> {
    for (const { name, atMs, inParts } of this.#at(site).values()) {
      if (atMs < beforeMs && !inParts) this.#at(site).delete(name);
    }
  }

  #at(site: string): Map<string, CopiedObject & { readonly atMs: number }> {
    const rows = this.#rows.get(site) ?? new Map();
    this.#rows.set(site, rows);
    return rows;
  }
}

export class CopyWorld {
  readonly copiedVersions: KeptVersions = new KeptVersions();
  readonly clock: VirtualClock = new VirtualClock();
  readonly source: MemoryObjectStore;
  readonly target: MemoryObjectStore;
  readonly hints: FakeHints = new FakeHints();
  readonly state: SyncState = SyncState.open({ path: ":memory:", pair: "active standby" });
  readonly said: string[] = [];
  /** Thrown to whoever asks for authority. */
  refusal: CloudPhoenixError | null = null;
  authorityAsked = 0;
  readonly #running: { stop: AbortController; ended: Promise<unknown> }[] = [];

  constructor({ source, target }: StoreOptions = {}) {
    const now = (): number => this.clock.now();
    this.source = new MemoryObjectStore({ name: "active", flavour: "s3", now, ...source });
    this.target = new MemoryObjectStore({ name: "standby", flavour: "blob", now, ...target });
  }

  copier({
    limits,
    sourceFaults,
    targetFaults,
    more,
    listsNoMd5 = false,
  }: WorldOptions = {}): ContinuousCopy {
    const source = new FaultyObjectStore(this.source, sourceFaults ?? (() => "none"));
    const target = new FaultyObjectStore(this.target, targetFaults ?? (() => "none"));
    if (listsNoMd5) forgetListedMd5(target);
    return new ContinuousCopy({
      from: "site-a",
      to: "site-b",
      generation: 7,
      source: { store: source, prefix: "" },
      target: { store: target, prefix: "" },
      hints: this.hints,
      tools: toolsFor({ source, target, clock: this.clock, state: this.state }),
      tombstones: this.state.tombstones,
      copiedVersions: this.copiedVersions,
      limits: { ...LIMITS, ...limits },
      authority: async () => {
        this.authorityAsked += 1;
        if (this.refusal !== null) throw this.refusal;
      },
      mayReplace: () => false,
      earlier: null,
      log: (_level, message) => this.said.push(message),
      ...more,
    });
  }

  /** Runs it; what it ended with comes when it has ended. */
  start(copier: ContinuousCopy): { stop(): Promise<unknown>; readonly ended: Promise<unknown> } {
    const stop = new AbortController();
    const ended = copier.run(stop.signal).catch((error: unknown) => error);
    this.#running.push({ stop, ended });
    return {
      ended,
      stop: () => {
        stop.abort();
        return ended;
      },
    };
  }

  async stopAll(): Promise<void> {
    for (const { stop, ended } of this.#running) {
      stop.abort();
      await ended;
    }
    this.state.close();
  }

  /** Names that tombstones or open rounds know. */
  async missing(): Promise<number> {
    return (await this.state.tombstones.count(Infinity)).missing;
  }

  hint(key: string, kind: ChangeHint["kind"] = "written", agoMs = 0): void {
    this.hints.push({ key, kind, sequencer: null, atMs: this.clock.now() - agoMs });
  }

  /** Keys at the standby that are not ours. */
  copies(): readonly string[] {
    return this.target.keys().filter((key) => !key.startsWith(".cloudphoenix/"));
  }

  textAt(key: string): string | null {
    const bytes = this.target.bytesOf(key);
    return bytes === null ? null : Buffer.from(bytes).toString();
  }
}

function forgetListedMd5(store: ObjectStore): void {
  const list = store.list.bind(store);
  store.list = async function* withoutMd5(request, signal) {
    for await (const page of list(request, signal)) {
      yield page.map((entry) => ({ ...entry, md5: null }));
    }
  };
}

export function stale(): CloudPhoenixError {
  return new CloudPhoenixError("STALE_GENERATION", "site-b is active now", { retryable: false });
}
