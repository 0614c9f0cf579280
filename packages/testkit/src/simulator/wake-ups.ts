/** Notifications of the state database to whoever executes a run; each may get lost. */
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";
import { STATE } from "./sites.ts";

interface Listener {
  readonly process: Process;
  readonly incarnation: number;
  readonly wake: (cancelled: boolean) => void;
}

export class WakeUps {
  readonly #network: Network;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(network: Network) {
    this.#network = network;
  }

  subscribe(runId: string, process: Process, wake: Listener["wake"]): void {
    const listeners = this.#listeners.get(runId) ?? [];
    listeners.push({ process, incarnation: process.incarnation, wake });
    this.#listeners.set(runId, listeners);
  }

  announce(runId: string, cancelled: boolean): void {
    for (const { process, incarnation, wake } of this.#listeners.get(runId) ?? []) {
      this.#network.send(STATE, process.name, () => {
        if (process.incarnation === incarnation) process.receive(() => wake(cancelled));
      });
    }
  }
}
