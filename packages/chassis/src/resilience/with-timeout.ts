/** A limit around a call that may ignore its abort signal. */
import { DependencyTimeoutError } from "../errors/failures.ts";

/**
 * Runs `work` and gives up after `timeoutMs` or when `signal` aborts, whichever comes first.
 *
 * Cloud clients have been seen to wait for ever on an endpoint that accepts and then says nothing,
 * whatever their own time limits are set to. So the signal is handed to `work`, and the wait ends
 * even if `work` does not look at it; what it answers later is dropped.
 * @throws {DependencyTimeoutError} after `timeoutMs`; the reason of `signal` if that aborts first
 */
export async function withTimeout<T>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (reason: unknown): void => {
    controller.abort(reason);
    ended.reject(reason);
  };
  const timer = setTimeout(() => {
    end(new DependencyTimeoutError("A dependency did not answer in time."));
  }, timeoutMs);
  const onAbort = (): void => end(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const running = work(controller.signal);
    // Whoever loses the race must not become an unhandled rejection.
    running.catch(() => undefined);
    return await Promise.race([running, ended.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
