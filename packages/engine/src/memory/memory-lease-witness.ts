import { CloudPhoenixError } from "@cloudphoenix/core";
import type { LeaseDocument, LeaseWitness, VersionedLease } from "../ports/lease.ts";

/** A witness in memory, for simulations and tests. */
export class MemoryLeaseWitness implements LeaseWitness {
  #stored: VersionedLease | null = null;
  #changes = 0;

  async read(signal?: AbortSignal): Promise<VersionedLease | null> {
    refuseIfGivenUp(signal);
    return this.#stored;
  }

  async replace(
    next: LeaseDocument,
    expected: string | null,
    signal?: AbortSignal,
  ): Promise<string | null> {
    refuseIfGivenUp(signal);
    if ((this.#stored?.version ?? null) !== expected) return null;
    this.#changes += 1;
    const version = String(this.#changes);
    this.#stored = { lease: { ...next }, version };
    return version;
  }
}

function refuseIfGivenUp(signal?: AbortSignal): void {
  if (signal?.aborted !== true) return;
  throw new CloudPhoenixError("ABORTED", "the witness was given up", { retryable: true });
}
