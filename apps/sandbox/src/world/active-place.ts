/** Which site users are led to, found out as they do: by asking the DNS. */
import { Resolver } from "node:dns/promises";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { NAMES, type Place, PLACES } from "./places.ts";

const TIMEOUT_MS = 500;
const TRIES = 3;

/** @throws {CloudPhoenixError} `UNREACHABLE` without an answer, `NOT_FOUND` for an unknown address */
export async function activePlace(dnsPort: number): Promise<Place> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers([`127.0.0.1:${dnsPort}`]);
  const addresses = await resolver.resolve4(NAMES.host).catch((cause: unknown) => {
    throw new CloudPhoenixError("UNREACHABLE", `the DNS does not answer for ${NAMES.host}`, {
      retryable: true,
      cause,
    });
  });
  const place = PLACES.find(({ address }) => addresses.includes(address));
  if (place !== undefined) return place;
  const message = `${NAMES.host} points to ${addresses.join(", ")}, which is no site`;
  throw new CloudPhoenixError("NOT_FOUND", message, { retryable: false });
}
