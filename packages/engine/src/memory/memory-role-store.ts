/** Role store without a database. Same refusals as the real one. */
import { CloudPhoenixError, type Roles, type SiteId } from "@cloudphoenix/core";
import type { RoleStore } from "../ports/state-store.ts";

export class MemoryRoleStore implements RoleStore {
  #roles: Roles;

  constructor(initial: Roles) {
    this.#roles = initial;
  }

  async read(): Promise<Roles> {
    return this.#roles;
  }

  async claim(runId: string, generation: number, active: SiteId): Promise<Roles> {
    const { generation: stored, claimedBy } = this.#roles;
    if (stored === generation && claimedBy === runId) return this.#roles;
    if (stored !== generation - 1) throw staleGeneration(generation, stored);
    if (this.#roles.active !== active) throw movedOn(generation, active, this.#roles.active);
    this.#roles = { ...this.#roles, generation, claimedBy: runId };
    return this.#roles;
  }

  async settle(
    generation: number,
    outcome: { readonly active: string; readonly protected: boolean },
  ): Promise<Roles> {
    const stored = this.#roles.generation;
    if (stored !== generation) throw staleGeneration(generation, stored);
    this.#roles = { ...this.#roles, ...outcome };
    return this.#roles;
  }
}

function staleGeneration(asked: number, stored: number): CloudPhoenixError {
  return stale(`generation ${asked} was asked for, the application is at ${stored}`);
}

function movedOn(asked: number, believed: SiteId, active: SiteId): CloudPhoenixError {
  return stale(`generation ${asked} was asked for while ${believed} was active, ${active} is now`);
}

function stale(message: string): CloudPhoenixError {
  const hint = "Look at the newest run; this one is out of date.";
  return new CloudPhoenixError("STALE_GENERATION", message, { retryable: false, hint });
}
