/** One answer for everybody who asks within a short time. */

/**
 * Asks at most once at a time, and again only once the last answer is `ageMs` old. A failure is told
 * to those who waited for it and is not kept.
 *
 * @param now - milliseconds; a clock that jumps back makes the answer old
 */
export function sharedAnswer<T>(
  ageMs: number,
  now: () => number,
  ask: () => Promise<T>,
): () => Promise<T> {
  let asking: Promise<T> | null = null;
  let last: { readonly atMs: number; readonly answer: T } | null = null;
  const askOnce = async (): Promise<T> => {
    try {
      const answer = await ask();
      last = { atMs: now(), answer };
      return answer;
    } finally {
      asking = null;
    }
  };
  return async () => {
    const sinceMs = last === null ? Number.NaN : now() - last.atMs;
    if (last !== null && sinceMs >= 0 && sinceMs < ageMs) return last.answer;
    asking ??= askOnce();
    return asking;
  };
}
