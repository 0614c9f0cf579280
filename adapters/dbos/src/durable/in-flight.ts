/** The steps this process is executing right now, so that a cancel can reach them. */
export class InFlightSteps {
  readonly #byRun = new Map<string, Set<AbortController>>();

  /** Runs `work` with a signal that `abort(runId)` or `gone` aborts. */
  async track<T>(
    runId: string,
    gone: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const steps = this.#byRun.get(runId) ?? new Set();
    this.#byRun.set(runId, steps.add(controller));
    try {
      return await work(AbortSignal.any([controller.signal, gone]));
    } finally {
      steps.delete(controller);
      if (steps.size === 0) this.#byRun.delete(runId);
    }
  }

  /** Aborts every step of the run that is in flight here, branches included. */
  abort(runId: string): void {
    for (const controller of this.#byRun.get(runId) ?? []) controller.abort();
  }
}
