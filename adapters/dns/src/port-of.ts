import type { Server } from "node:net";

/** The port a listening TCP server was given. @throws {Error} if it does not listen on one */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}
