/** Addresses of listeners and servers as people write them. */

import type { HostPort } from "./configuration.ts";

const HOST_PORT = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/i;

/** `host:port` or `[v6 address]:port`; null if it is neither. Port 0 is allowed. */
export function parseHostPort(text: string): HostPort | null {
  const match = HOST_PORT.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return null;
  return { host: match[1] ?? match[2] ?? "", port };
}
