/** The child's side: one line of JSON on standard input, which then stays open until the end. */
import { createInterface } from "node:readline";

/**
 * The first line of standard input, parsed. `onEnd` is called when our parent is gone or has
 * closed our input, and when the system asks us to end.
 */
export async function readSpec<Spec>(onEnd: () => void): Promise<Spec> {
  process.once("SIGTERM", onEnd).once("SIGINT", onEnd);
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin });
    lines.once("line", (line) => {
      const spec: Spec = JSON.parse(line);
      resolve(spec);
    });
    lines.once("close", onEnd);
  });
}
