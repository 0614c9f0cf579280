/**
 * Asks the process in this container whether it lives; for platforms that have no probes of their own.
 * Usage: node health-check.mjs <path>. Exit codes: 0 it lives, 1 it does not.
 */
const [path = "/live"] = process.argv.slice(2);
const url = `http://127.0.0.1:${process.env["PORT"] ?? "8080"}${path}`;

try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  process.exitCode = answer.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
