import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Notice, Notifier } from "@cloudphoenix/engine";

export interface FanOutOptions {
  /** Who reaches people, for instance webhooks. */
  readonly receivers: readonly Notifier[];
  /** Hears everything, too; counts as somebody told only where there is no receiver. */
  readonly alongside: Notifier;
  readonly onFailure: (error: unknown, notice: Notice) => void;
}

/**
 * Tells every receiver at once; one that fails or hangs keeps nobody else from hearing.
 *
 * @remarks Done as soon as one receiver was told; the others go on until `signal` aborts. A failed
 *   receiver is reported to `onFailure`. Only if all fail does `notify` throw (`UNREACHABLE`):
 *   whoever retries then repeats the notice to nobody who has it.
 */
export class FanOutNotifier implements Notifier {
  readonly #options: FanOutOptions;

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  async notify(notice: Notice, signal: AbortSignal): Promise<void> {
    const { receivers, alongside, onFailure } = this.#options;
    const tell = async (receiver: Notifier): Promise<void> => {
      try {
        await receiver.notify(notice, signal);
      } catch (error) {
        onFailure(error, notice);
        throw error;
      }
    };
    const noted = tell(alongside);
    if (receivers.length === 0) return noted;
    noted.catch(() => undefined);
    try {
      await Promise.any(receivers.map(tell));
    } catch (error) {
      throw new CloudPhoenixError("UNREACHABLE", "nobody could be told", {
        retryable: true,
        hint: "Look at the failures of the single receivers.",
        cause: error,
      });
    }
  }
}
