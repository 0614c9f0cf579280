/** Turns something that pushes into something that is pulled. */

/**
 * Items that `produce` hands over, pulled one portion at a time: it goes on only when the reader
 * wants more. When the reader stops early, the signal that `produce` got aborts, and reading ends
 * once it has returned.
 */
export async function* pulled<T>(
  signal: AbortSignal,
  produce: (take: (items: readonly T[]) => Promise<void>, signal: AbortSignal) => Promise<void>,
): AsyncGenerator<T> {
  const stop = new AbortController();
  let portion = Promise.withResolvers<readonly T[] | null>();
  let wanted = Promise.withResolvers<void>();
  const take = async (items: readonly T[]): Promise<void> => {
    portion.resolve(items);
    await wanted.promise;
  };
  const producing = produce(take, AbortSignal.any([signal, stop.signal])).then(
    () => portion.resolve(null),
    (error: unknown) => portion.reject(error),
  );
  try {
    for (;;) {
      const items = await portion.promise;
      if (items === null) return;
      yield* items;
      portion = Promise.withResolvers();
      const next = wanted;
      wanted = Promise.withResolvers();
      next.resolve();
    }
  } finally {
    stop.abort();
    // Whoever waits to hand over more is let go; it finds its session ended.
    portion.promise.catch(() => undefined);
    wanted.resolve();
    await producing;
  }
}
