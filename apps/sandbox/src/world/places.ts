/** The two sites of a sandbox. What differs between them is here and nowhere else. */

/** A region of a cloud, as the sandbox imitates it. */
export interface Place {
  readonly id: string;
  /** Name of the place in links, and the vantage of its agent. */
  readonly cloud: string;
  readonly region: string;
  /** Address of the public entry. A DNS A record carries no port, so both share one port. */
  readonly address: string;
}

/** Home: where the application runs in good times. */
export const HOME_PLACE: Place = {
  id: "aws-us-east-1",
  cloud: "aws",
  region: "us-east-1",
  address: "127.0.1.1",
};

export const AWAY_PLACE: Place = {
  id: "azure-westeurope",
  cloud: "azure",
  region: "westeurope",
  address: "127.0.2.1",
};

export const PLACES: readonly Place[] = [HOME_PLACE, AWAY_PLACE];

/** The place that is not `place`. */
export function otherPlace(place: Place): Place {
  return place.id === HOME_PLACE.id ? AWAY_PLACE : HOME_PLACE;
}

/** Everything the application and its zone are called. */
export const NAMES = {
  application: "shop",
  database: "app",
  /** Role of CloudPhoenix in the databases. */
  adminRole: "cloudphoenix",
  replicationRole: "replicator",
  applicationRole: "app",
  /** Role of a site's agent in the site's database. */
  agentRole: "agent",
  /** Database of CloudPhoenix's own state. */
  stateDatabase: "cloudphoenix",
  /** First role of the state server. */
  stateRole: "cloudphoenix",
  zone: "phoenix.test",
  host: "shop.phoenix.test",
  tsigKey: "cloudphoenix",
  /** Bucket at one site, container at the other. */
  bucket: "receipts",
  /** Queue with the events of the bucket, and of the container. */
  objectEvents: "receipts-events",
  /** Account of the container. */
  blobAccount: "shopobjects",
  /** Names the secret that signs requests to the bucket. */
  s3KeyId: "SHOPOBJECTS",
} as const;

/** What the application consists of, with the replicas each site runs. The first serves clients. */
export const WORKLOADS = {
  orders: 2,
  fulfilment: 1,
  storefront: 1,
} as const;

export type WorkloadName = keyof typeof WORKLOADS;

/** The zones replicas are spread over. */
export const ZONES: readonly string[] = ["a", "b"];

/** Login of the agent of a site at the state database, where it renews the lease. */
export function witnessLogin({ cloud }: Place): string {
  return `lease_${cloud}`;
}
