/** What the network of a sandbox is made of. */
import type { NetworkSpec } from "../network/operations.ts";
import type { Layout } from "./layout.ts";
import { HOME_PLACE, NAMES, PLACES } from "./places.ts";
import type { PortBook } from "./ports.ts";
import { SECRETS } from "./secrets.ts";
import { CLIENT_PORT, linkSpecs, STORE_PORT } from "./topology.ts";

/** The specification the network process is started with. */
export function networkSpec(layout: Layout, ports: PortBook, wanDelayMs: number): NetworkSpec {
  const host = "127.0.0.1";
  return {
    links: linkSpecs(ports, wanDelayMs),
    sites: PLACES.map(({ id, cloud, address }) => ({ id, place: cloud, address })),
    canary: { host, port: ports.get("canary") },
    fence: { host, port: ports.get("fence"), tokenFile: layout.secret(SECRETS.network) },
    dns: {
      host,
      port: ports.get("dns"),
      zone: NAMES.zone,
      name: NAMES.host,
      ttlS: 1,
      address: HOME_PLACE.address,
      tsig: { name: NAMES.tsigKey, secretFile: layout.secret(SECRETS.tsig) },
    },
    edges: [
      { host, port: ports.get("edge"), targetPort: ports.get(CLIENT_PORT) },
      { host, port: ports.get("store-edge"), targetPort: ports.get(STORE_PORT) },
    ],
  };
}
