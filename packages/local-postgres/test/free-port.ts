/** Ports for servers that a test starts, stops and starts again. */
import { createServer } from "node:net";

/**
 * Below the blocks of sandboxes and far below what the system gives to outgoing connections; above 10080,
 * the last of the ports that `fetch` refuses.
 */
const PORT_MIN = 11_000;
const PORT_MAX = 19_999;

/**
 * Test files run in as many processes as Vitest has workers, at the same time. Each has a share of the
 * ports, so that none picks what another has picked and does not listen on yet, or not at this moment.
 */
const WORKERS_MAX = 4;
const SHARE = Math.floor((PORT_MAX - PORT_MIN + 1) / WORKERS_MAX);
const worker = (Number(process.env["VITEST_POOL_ID"] ?? 1) - 1) % WORKERS_MAX;

let next = Math.floor(Math.random() * SHARE);

/** A port nobody listens on; none is given twice to the files of one worker until all were. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + worker * SHARE + next;
    next = (next + 1) % SHARE;
    // oxlint-disable-next-line no-await-in-loop -- one after the other is tried
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
