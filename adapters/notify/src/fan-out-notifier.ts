import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Notice, Notifier } from "@cloudphoenix/engine";

/**
 * Tells every receiver at once; one that fails keeps nobody else from hearing.
 *
 * @remarks A failed receiver is reported to `onFailure`. Only if all fail does `notify` throw
 *   (`UNREACHABLE`): whoever retries then repeats the notice to nobody who has it.
 */
export class FanOutNotifier implements Notifier {
  readonly #receivers: readonly Notifier[];
  readonly #onFailure: (error: unknown, notice: Notice) => void;

  constructor(receivers: readonly Notifier[], onFailure: (error: unknown, notice: Notice) => void) {
    this.#receivers = receivers;
    this.#onFailure = onFailure;
  }

  async notify(notice: Notice, signal: AbortSignal): Promise<void> {
    const outcomes = await Promise.allSettled(
      this.#receivers.map((receiver) => receiver.notify(notice, signal)),
    );
    const failures = outcomes.flatMap((outcome): readonly unknown[] =>
      outcome.status === "rejected" ? [outcome.reason] : [],
    );
    for (const failure of failures) this.#onFailure(failure, notice);
    if (failures.length === 0 || failures.length < this.#receivers.length) return;
    throw new CloudPhoenixError("UNREACHABLE", "nobody could be told", {
      retryable: true,
      hint: "Look at the failures of the single receivers.",
      cause: new AggregateError(failures),
    });
  }
}
