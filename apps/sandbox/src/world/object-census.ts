/**
 * Counts the objects that rows of a site point to, against what lies in its store: by listing both
 * whole. It shares no code with what copies objects or reports on them: its own SQL, and the vendors'
 * clients.
 */
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { Client } from "pg";
import type { Ground } from "./ground.ts";
import { hasS3 } from "./object-stores.ts";
import { ownerOfBucket, ownerOfContainer } from "./owner-clients.ts";
import { NAMES, type Place } from "./places.ts";
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
  /** Keys in the store, whoever points to them, in order; canaries of the copy are left out. */
  readonly stored: readonly string[];
}

const CANARIES = ".cloudphoenix/";

/** @throws {Error} as the clients of database and store do */
export async function takeObjectCensus(
  place: Place,
  ground: Ground,
  signal: AbortSignal,
): Promise<ObjectCensus> {
  // In this order: what is stored after the rows were read is not missed.
  const rows = await keysOfRows(place, ground);
  const stored = await keysOfStore(place, ground, signal);
  const missing = rows.filter((key) => !stored.has(key));
  return {
    site: place.id,
    acknowledged: rows.length,
    present: rows.length - missing.length,
    missing,
    stored: [...stored],
  };
}

/** In the order of bytes. */
async function keysOfRows(place: Place, { layout, ports }: Ground): Promise<readonly string[]> {
  const client = new Client({
    host: "127.0.0.1",
    port: ports.get(linkName("control", place.cloud, "postgres")),
    user: NAMES.adminRole,
    password: readSecret(layout, SECRETS.database(place.cloud)),
    database: NAMES.database,
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ key: string }>(
      `select object_key as key from public.receipts where stored_at is not null
       order by object_key collate "C"`,
    );
    return rows.map(({ key }) => key);
  } finally {
    await client.end();
  }
}

async function keysOfStore(
  place: Place,
  ground: Ground,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for await (const key of hasS3(place)
    ? keysOfBucket(place, ground, signal)
    : keysOfContainer(place, ground, signal)) {
    if (!key.startsWith(CANARIES)) keys.add(key);
  }
  return keys;
}

async function* keysOfBucket(
  place: Place,
  ground: Ground,
  abortSignal: AbortSignal,
): AsyncGenerator<string> {
  const client = ownerOfBucket(place, ground);
  try {
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: NAMES.bucket, ContinuationToken }),
        { abortSignal },
      );
      for (const { Key } of page.Contents ?? []) yield Key ?? "";
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  } finally {
    client.destroy();
  }
}

async function* keysOfContainer(
  place: Place,
  ground: Ground,
  abortSignal: AbortSignal,
): AsyncGenerator<string> {
  const container = ownerOfContainer(place, ground);
  for await (const { name } of container.listBlobsFlat({ abortSignal })) yield name;
}
