import type { Application, RunRecord, SiteId } from "@cloudphoenix/core";
import { FINAL_RUN_STATUSES } from "@cloudphoenix/core";
import {
  type FactStore,
  quarantineIn,
  quarantineKey,
  type RoleStore,
  type RunStore,
} from "@cloudphoenix/engine";
import { type Direction, directionTo } from "./direction.ts";

export interface DirectionReaderParts {
  readonly application: Application;
  readonly roles: Pick<RoleStore, "read">;
  readonly runs: Pick<RunStore, "get">;
  readonly facts: Pick<FactStore, "get">;
}

/** Asks the state database where objects have to flow. */
export class DirectionReader {
  readonly #parts: DirectionReaderParts;
  /** A run that is over stays over: it is asked for once. */
  #over: RunRecord | null = null;

  constructor(parts: DirectionReaderParts) {
    this.#parts = parts;
  }

  /** @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  async read(to: SiteId): Promise<Direction> {
    const { application, roles, facts } = this.#parts;
    const [now, quarantine] = await Promise.all([roles.read(), facts.get(quarantineKey(to))]);
    const run = await this.#runOf(now.claimedBy);
    const quarantined = quarantineIn(quarantine) !== null;
    return directionTo({ application, to, roles: now, run, quarantined });
  }

  async #runOf(id: string | null): Promise<RunRecord | null> {
    if (id === null) return null;
    if (this.#over?.id === id) return this.#over;
    const run = await this.#parts.runs.get(id);
    if (run !== null && FINAL_RUN_STATUSES.includes(run.status)) this.#over = run;
    return run;
  }
}
