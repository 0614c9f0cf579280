/** Audit log without a database; `entries` is there to be read by simulations and tests. */
import type { AuditLog } from "../ports/state-store.ts";

export type AuditEntry = Parameters<AuditLog["append"]>[0];

export class MemoryAuditLog implements AuditLog {
  readonly #entries: AuditEntry[] = [];

  async append(entry: AuditEntry): Promise<void> {
    this.#entries.push(entry);
  }

  /** Oldest first. */
  get entries(): readonly AuditEntry[] {
    return this.#entries;
  }
}
