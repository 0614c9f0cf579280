/** Stops the writers of a site by scaling its workloads to zero. */
import { type FenceProof, type SiteId, unprovenBecause, type Workload } from "@cloudphoenix/core";
import type { Clock, Fencer } from "@cloudphoenix/engine";
import type { SiteApisOptions } from "./site-apis.ts";
import { LocalWorkloadControl } from "./workload-control.ts";

export interface LocalWorkloadFencerOptions extends SiteApisOptions {
  readonly clock: Clock;
  /** Every workload that writes, with the replicas `unfence` brings back. */
  readonly workloads: readonly Workload[];
  /** How long replicas may take to end before the fence counts as unproven. Default 3000 ms. */
  readonly endWithinMs?: number;
}

/** Pause between two looks at replicas that are still ending. */
const LOOK_AGAIN_MS = 50;

/**
 * `network` once the platform reads back that no replica is left, running or ending. Not more: who
 * writes without being one of these workloads is shut out by the database or its lease only.
 */
export class LocalWorkloadFencer implements Fencer {
  readonly means = "workload";
  readonly stopsReads = true;
  readonly #control: LocalWorkloadControl;
  readonly #clock: Clock;
  readonly #workloads: readonly Workload[];
  readonly #endWithinMs: number;

  constructor(options: LocalWorkloadFencerOptions) {
    this.#control = new LocalWorkloadControl(options);
    this.#clock = options.clock;
    this.#workloads = options.workloads;
    this.#endWithinMs = options.endWithinMs ?? 3_000;
  }

  async fence(site: SiteId, generation: number, signal: AbortSignal): Promise<FenceProof> {
    try {
      await Promise.all(
        this.#workloads.map((workload) =>
          this.#control.scale(site, workload.name, { replicas: 0, generation }, signal),
        ),
      );
      return await this.#readBack(site, signal);
    } catch (error) {
      return unprovenBecause(this.means, error);
    }
  }

  async unfence(site: SiteId, generation: number, signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.#workloads.map(({ name, replicas }) =>
        this.#control.scale(site, name, { replicas, generation }, signal),
      ),
    );
  }

  async forecast(site: SiteId, signal: AbortSignal): Promise<FenceProof> {
    try {
      await Promise.all(
        this.#workloads.map((workload) => this.#control.inspect(site, workload.name, signal)),
      );
      const detail = "the provider API answers and can scale to zero";
      return { means: this.means, degree: "network", detail };
    } catch (error) {
      return unprovenBecause(this.means, error);
    }
  }

  async #readBack(site: SiteId, signal: AbortSignal): Promise<FenceProof> {
    const giveUpAtMs = this.#clock.now() + this.#endWithinMs;
    for (;;) {
      const left = await this.#replicasLeft(site, signal);
      if (left.length === 0) {
        const detail = `no replica of ${this.#workloads.map(({ name }) => name).join(", ")} is left`;
        return { means: this.means, degree: "network", detail };
      }
      if (this.#clock.now() >= giveUpAtMs) {
        const detail = `still there after ${this.#endWithinMs} ms: ${left.join("; ")}`;
        return { means: this.means, degree: "unproven", detail };
      }
      await this.#clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }

  async #replicasLeft(site: SiteId, signal: AbortSignal): Promise<readonly string[]> {
    const states = await Promise.all(
      this.#workloads.map(async ({ name }) => {
        const state = await this.#control.inspect(site, name, signal);
        const counts = [
          ...(state.desired > 0 ? [`${state.desired} of ${name} desired`] : []),
          ...(state.ready > 0 ? [`${state.ready} of ${name} ready`] : []),
        ];
        return [...counts, ...state.troubles];
      }),
    );
    return states.flat();
  }
}
