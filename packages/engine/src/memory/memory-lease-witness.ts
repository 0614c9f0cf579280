import type { LeaseDocument, LeaseWitness, VersionedLease } from "../ports/lease.ts";

/** A witness in memory, for simulations and tests. */
export class MemoryLeaseWitness implements LeaseWitness {
  #stored: VersionedLease | null = null;
  #changes = 0;

  async read(): Promise<VersionedLease | null> {
    return this.#stored;
  }

  async replace(next: LeaseDocument, expected: string | null): Promise<string | null> {
    if ((this.#stored?.version ?? null) !== expected) return null;
    this.#changes += 1;
    const version = String(this.#changes);
    this.#stored = { lease: { ...next }, version };
    return version;
  }
}
