/** Listening and ending, the same for every HTTP server here. */
import type { Server } from "node:http";
import { isSystemError, LocalObjectsError } from "../error.ts";

const STOP_GRACE_MS = 2_000;

/** Resolves with the port. @throws {LocalObjectsError} `PORT_TAKEN` */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(isSystemError(cause, "EADDRINUSE") ? portTaken(port, cause) : cause);
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

function portTaken(port: number, cause: unknown): LocalObjectsError {
  const hint = `Stop what listens on ${port}, or choose another port.`;
  return new LocalObjectsError("PORT_TAKEN", `port ${port} is taken`, { hint, cause });
}

/** Lets requests under way finish for a moment, then ends their connections. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const forcing = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS);
  await closed;
  clearTimeout(forcing);
}
