/** Two sites with keepers, a witness and a controller's lease, on one virtual clock. */
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import {
  type Clock,
  type LeaseGrant,
  LeaseKeeper,
  LeaseObserver,
  type LeaseRound,
  type LeaseTerms,
  type LeaseWitness,
  MemoryLeaseWitness,
  type SiteLease,
  type SiteLeaseState,
  WriterLease,
} from "@cloudphoenix/engine";
import { VirtualClock } from "@cloudphoenix/testkit";
import { A, B } from "./simulation.ts";

export const TERMS: LeaseTerms = {
  ttlMs: 3_000,
  renewMs: 750,
  marginMs: 300,
  whenWitnessLost: "consistency",
};

/** How far the time that controllers share is ahead of the clock of the lease. */
export const STATE_AHEAD_MS = 11_000_000;

export const FOREVER: AbortSignal = new AbortController().signal;

/** The lease in the database of a site, as the port describes it. */
export class FakeSiteLease implements SiteLease {
  role: SiteLeaseState["role"];
  epoch: number;
  writesOpen: boolean;
  untilMs: number | null = null;
  promisedUntilMs: number | null = null;
  reachable = true;
  #refusesBelow = 0;
  readonly #clock: VirtualClock;
  aheadMs: number;

  /** `aheadMs`: how far the clock of this database is ahead of everybody else's. */
  constructor(
    clock: VirtualClock,
    start: Pick<FakeSiteLease, "role" | "epoch">,
    aheadMs: number = 0,
  ) {
    this.#clock = clock;
    this.aheadMs = aheadMs;
    this.role = start.role;
    this.epoch = start.epoch;
    this.writesOpen = start.role === "active";
  }

  /** Whether a write would be accepted at this instant. */
  get accepts(): boolean {
    return this.writesOpen && this.role === "active" && (this.untilMs ?? Infinity) > this.#nowMs;
  }

  async read(): Promise<SiteLeaseState> {
    this.#answer();
    const { role, epoch, untilMs, promisedUntilMs } = this;
    return { role, epoch, nowMs: this.#nowMs, untilMs, promisedUntilMs };
  }

  async extend(grant: { readonly epoch: number; readonly untilMs: number }): Promise<void> {
    this.#answer();
    const promised = (this.promisedUntilMs ?? 0) > this.#nowMs;
    if (this.role !== "active" || this.epoch !== grant.epoch || promised) throw stale();
    this.untilMs = grant.untilMs;
  }

  async surrender(epoch: number): Promise<void> {
    this.#answer();
    if (epoch < this.epoch) throw stale();
    // Activated for this very epoch by a plan meanwhile: nothing to surrender.
    if (epoch === this.epoch && this.role === "active") return;
    Object.assign(this, { epoch, role: "fenced", untilMs: this.#nowMs });
  }

  async promise(wish: { readonly epoch: number; readonly durationMs: number }): Promise<void> {
    this.#answer();
    const free = this.role === "standby" && this.epoch <= wish.epoch;
    if (!free || wish.epoch < this.#refusesBelow) {
      throw new CloudPhoenixError("PROMISE_REFUSED", "no", { retryable: false });
    }
    this.promisedUntilMs = Math.max(this.promisedUntilMs ?? 0, this.#nowMs + wish.durationMs);
  }

  async refusePromises(epoch: number): Promise<SiteLeaseState> {
    this.#answer();
    if (epoch < this.epoch) throw stale();
    this.#refusesBelow = Math.max(this.#refusesBelow, epoch);
    return this.read();
  }

  /** What the promotion of a plan does. */
  promote(generation: number): void {
    if (generation < this.epoch) throw stale();
    if (generation === this.epoch && this.role === "active") return;
    Object.assign(this, { role: "active", epoch: generation, writesOpen: false });
  }

  get #nowMs(): number {
    return this.#clock.now() + this.aheadMs;
  }

  #answer(): void {
    if (!this.reachable) throw unreachable("the database does not answer");
  }
}

/** A witness that can be cut off from one user of it. */
export class CutWitness implements LeaseWitness {
  readonly #inner: LeaseWitness;
  lost = false;

  constructor(inner: LeaseWitness) {
    this.#inner = inner;
  }

  read(signal: AbortSignal): ReturnType<LeaseWitness["read"]> {
    return this.lost ? Promise.reject(unreachable("no witness")) : this.#inner.read(signal);
  }

  replace(...asked: Parameters<LeaseWitness["replace"]>): ReturnType<LeaseWitness["replace"]> {
    return this.lost ? Promise.reject(unreachable("no witness")) : this.#inner.replace(...asked);
  }
}

/** Stands between a process and one of its ports: changes when calls happen and are answered. */
export type Wrap = <T extends object>(port: T, name: string) => T;

export class LeaseWorld {
  readonly clock: VirtualClock = new VirtualClock();
  /** The time all controllers share: another one than that of the lease's waits. */
  readonly stateClock: Clock = {
    now: () => this.clock.now() + STATE_AHEAD_MS,
    sleep: (ms, signal) => this.clock.sleep(ms, signal),
  };
  readonly store: MemoryLeaseWitness = new MemoryLeaseWitness();
  /** As the agent of A reaches it. */
  readonly witnessOfA: CutWitness = new CutWitness(this.store);
  readonly a: FakeSiteLease;
  readonly b: FakeSiteLease;
  readonly terms: LeaseTerms;
  readonly observer: LeaseObserver;
  readonly lease: WriterLease;
  readonly rounds: LeaseRound[] = [];
  peersCut = false;
  readonly #stop = new AbortController();

  constructor(terms: Partial<LeaseTerms> = {}) {
    this.terms = { ...TERMS, ...terms };
    const { clock, store } = this;
    // The clocks of the two databases are nowhere near each other: nothing may compare them.
    this.a = new FakeSiteLease(clock, { role: "active", epoch: 1 }, 5_000_000);
    this.b = new FakeSiteLease(clock, { role: "standby", epoch: 1 }, -7_000_000);
    this.observer = new LeaseObserver({ clock, witness: store, everyMs: 250 });
    this.lease = this.newLease();
  }

  /** The lease as another controller process sees it that starts now. */
  newLease(
    observer: LeaseObserver = this.observer,
    witness: LeaseWitness = this.store,
  ): WriterLease {
    return new WriterLease({
      application: "shop",
      sites: [A, B],
      terms: this.terms,
      clock: this.clock,
      stateClock: this.stateClock,
      witness,
      observer,
      siteLease: (site) => (site === A ? this.a : this.b),
    });
  }

  keeperOfA(wrap: Wrap = (port) => port): LeaseKeeper {
    return new LeaseKeeper({
      site: A,
      terms: this.terms,
      clock: this.clock,
      witness: wrap(this.witnessOfA, "witness"),
      lease: wrap(this.a, "database"),
      peers: [
        wrap(
          {
            site: B,
            promise: async (wish: { readonly epoch: number; readonly durationMs: number }) => {
              if (this.peersCut) throw unreachable("no peer");
              await this.b.promise(wish);
            },
          },
          "peer",
        ),
      ],
      onRound: (round) => this.rounds.push(round),
    });
  }

  keeperOfB(): LeaseKeeper {
    const { terms, clock, store, b } = this;
    const peers = [
      { site: A, promise: (wish: { epoch: number; durationMs: number }) => this.a.promise(wish) },
    ];
    return new LeaseKeeper({ site: B, terms, clock, witness: store, lease: b, peers });
  }

  /** Establishes the lease and keeps it until `stop`. */
  async start(keeper: LeaseKeeper = this.keeperOfA()): Promise<void> {
    await this.lease.establish({ generation: 1, active: A }, FOREVER);
    void this.observer.run(this.#stop.signal);
    void keeper.run(this.#stop.signal);
    void this.keeperOfB().run(this.#stop.signal);
    await this.clock.advance(1);
  }

  /** What plans do from the fence on, when the old database answers nobody. */
  async moveToB(generation: number, lease: WriterLease = this.lease): Promise<string> {
    const proof = await lease.fence(A, generation, FOREVER);
    if (proof.degree !== "lease-expired") return proof.detail;
    this.b.promote(generation);
    for (;;) {
      try {
        await lease.open(B, this.grant(generation), FOREVER);
        return "moved";
      } catch (error) {
        // The plan tries again.
        if (!hasCode(error, "TIMED_OUT")) throw error;
      }
    }
  }

  /** After A, which has confirmed nothing. */
  grant(generation: number, open: () => Promise<void> = () => this.openB(generation)): LeaseGrant {
    return { generation, from: A, stopped: false, open };
  }

  async openB(generation: number): Promise<void> {
    if (this.b.epoch !== generation) throw stale();
    this.b.writesOpen = true;
  }

  stop(): void {
    this.#stop.abort();
  }
}

function stale(): CloudPhoenixError {
  return new CloudPhoenixError("STALE_GENERATION", "not at this epoch", { retryable: false });
}

function unreachable(text: string): CloudPhoenixError {
  return new CloudPhoenixError("UNREACHABLE", text, { retryable: true });
}
