/** Role store without a database. Same refusals as the real one. */
import { CloudPhoenixError, type Roles } from "@cloudphoenix/core";
import type { RoleStore } from "../ports/state-store.ts";

export class MemoryRoleStore implements RoleStore {
  #roles: Roles;

  constructor(initial: Roles) {
    this.#roles = initial;
  }

  async read(): Promise<Roles> {
    return this.#roles;
  }

  async claim(runId: string, generation: number): Promise<Roles> {
    const { generation: stored, claimedBy } = this.#roles;
    if (stored === generation && claimedBy === runId) return this.#roles;
    if (stored !== generation - 1) throw staleGeneration(generation, stored);
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
  return new CloudPhoenixError(
    "STALE_GENERATION",
    `generation ${asked} was asked for, the application is at ${stored}`,
    { retryable: false, hint: "Look at the newest run; this one is out of date." },
  );
}
