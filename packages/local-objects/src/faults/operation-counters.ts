/** How often each operation was asked for, and how it ended. */

export interface OperationCount {
  readonly requests: number;
  /** Answers by error code, for instance `SlowDown`. */
  readonly errors: Readonly<Record<string, number>>;
}

export class OperationCounters {
  readonly #counts = new Map<string, { requests: number; errors: Record<string, number> }>();

  request(operation: string): void {
    this.#of(operation).requests += 1;
  }

  error(operation: string, code: string): void {
    const { errors } = this.#of(operation);
    errors[code] = (errors[code] ?? 0) + 1;
  }

  reset(): void {
    this.#counts.clear();
  }

  /** Of operations that were asked for; others are absent. */
  report(): Readonly<Record<string, OperationCount>> {
    return structuredClone(Object.fromEntries(this.#counts));
  }

  #of(operation: string): { requests: number; errors: Record<string, number> } {
    const known = this.#counts.get(operation);
    if (known !== undefined) return known;
    const fresh = { requests: 0, errors: {} };
    this.#counts.set(operation, fresh);
    return fresh;
  }
}
