/** What has to be ended however a benchmark ends: servers live in processes of their own. */
const ends = new Set<() => Promise<void>>();
let listens = false;

/**
 * Has `end` called if this process is interrupted, the newest first. The function it gives does the
 * same in order; `end` runs once.
 */
export function atEnd(end: () => Promise<void>): () => Promise<void> {
  if (!listens) {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => void interrupted());
    listens = true;
  }
  let ending: Promise<void> | null = null;
  const once = (): Promise<void> => {
    ends.delete(once);
    ending ??= end();
    return ending;
  };
  ends.add(once);
  return once;
}

async function interrupted(): Promise<void> {
  for (const end of [...ends].toReversed()) {
    try {
      await end();
    } catch (error) {
      console.error(error);
    }
  }
  process.exit(130);
}
