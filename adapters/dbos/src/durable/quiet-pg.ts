/**
 * Keeps one known, harmless warning off the operator's terminal.
 *
 * DBOS 5.3.0 sends a query on a connection that is still executing one, which pg 8 queues
 * correctly and announces, once per process, as deprecated for pg 9. pg is pinned to 8 here.
 */
const KNOWN = "Calling client.query() when the client is already executing a query is deprecated";

type EmitWarning = typeof process.emitWarning;

/** Drops that one warning until the returned function is called. All others pass unchanged. */
export function silencePgQueueWarning(): () => void {
  // oxlint-disable-next-line typescript/unbound-method -- kept to be put back as it was
  const original: EmitWarning = process.emitWarning;
  const filtered = new Proxy(original, {
    apply(target, receiver, args: readonly unknown[]) {
      if (String(args[0]).startsWith(KNOWN)) return;
      Reflect.apply(target, receiver, args);
    },
  });
  process.emitWarning = filtered;
  return () => {
    // Somebody may have wrapped it since; then ours stays inside theirs and does no harm.
    if (process.emitWarning === filtered) process.emitWarning = original;
  };
}
