/**
 * Counts the objects that rows of a site point to, against what lies in its store: by listing both
 * whole. It shares no code with what copies objects or reports on them.
 */
import { S3ObjectStore } from "@cloudphoenix/adapter-aws";
import { BlobObjectStore } from "@cloudphoenix/adapter-azure";
import { PostgresReplication } from "@cloudphoenix/adapter-postgres";
import type { ObjectStore } from "@cloudphoenix/objects";
import { systemClock } from "../process/index.ts";
import { siteOptions } from "./databases.ts";
import type { Ground } from "./ground.ts";
import { hasS3 } from "./object-stores.ts";
import { NAMES, type Place, PLACES } from "./places.ts";
import { readSecret, SECRETS } from "./secrets.ts";
import { linkName } from "./topology.ts";

/** Objects of one site at one moment. */
export interface ObjectCensus {
  readonly site: string;
  /** Rows that say their object is stored. */
  readonly acknowledged: number;
  /** Of these, objects that are there. */
  readonly present: number;
  /** Keys of the others, in order. */
  readonly missing: readonly string[];
  /** Objects in the store, whoever points to them; canaries of the copy are left out. */
  readonly stored: number;
}

const RECEIPTS = { table: "public.receipts", key: "object_key", storedAt: "stored_at" };
const CANARIES = ".cloudphoenix/";

/** @throws {CloudPhoenixError} as the database and the store say why they cannot be read */
export async function takeObjectCensus(
  place: Place,
  ground: Ground,
  signal: AbortSignal,
): Promise<ObjectCensus> {
  // In this order: what is stored after the rows were read is not missed.
  const rows = await keysOfRows(place, ground, signal);
  const stored = await keysOfStore(place, ground, signal);
  const missing = rows.filter((key) => !stored.has(key));
  return {
    site: place.id,
    acknowledged: rows.length,
    present: rows.length - missing.length,
    missing,
    stored: stored.size,
  };
}

async function keysOfRows(
  place: Place,
  ground: Ground,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const replication = new PostgresReplication(
    {
      application: NAMES.application,
      sites: PLACES.map((one) => siteOptions(one, ground)),
      durability: "async",
      clock: systemClock,
    },
    place.id,
  );
  try {
    const keys: string[] = [];
    for await (const page of replication.referencedKeys(place.id, RECEIPTS, signal)) {
      keys.push(...page);
    }
    return keys;
  } finally {
    await replication.close();
  }
}

async function keysOfStore(
  place: Place,
  ground: Ground,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const store = openStore(place, ground);
  try {
    const keys = new Set<string>();
    for await (const page of store.list({ prefix: "" }, signal)) {
      for (const { key } of page) if (!key.startsWith(CANARIES)) keys.add(key);
    }
    return keys;
  } finally {
    store.close();
  }
}

function openStore(
  place: Place,
  { layout, ports }: Ground,
): Pick<ObjectStore, "list"> & { close(): void } {
  const { cloud, region } = place;
  const origin = `http://127.0.0.1:${ports.get(linkName("control", cloud, "objects"))}`;
  const key = readSecret(layout, SECRETS.objects(cloud));
  if (hasS3(place)) {
    return new S3ObjectStore({
      bucket: NAMES.bucket,
      region,
      endpoint: new URL(origin),
      credentials: { accessKeyId: NAMES.s3KeyId, secretAccessKey: key },
    });
  }
  return new BlobObjectStore({
    endpoint: new URL(`${origin}/${NAMES.blobAccount}`),
    container: NAMES.bucket,
    credential: { kind: "shared-key", account: NAMES.blobAccount, key },
  });
}
