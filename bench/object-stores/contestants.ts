/** The same calls through our adapters and through the vendors' own clients, as both would be used here. */
import type { ObjectProperties, ObjectStore } from "@cloudphoenix/objects";

/** Where the servers are; keys made for one run. */
export interface Places {
  readonly s3: {
    readonly endpoint: string;
    readonly region: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  readonly blob: { readonly endpoint: string; readonly account: string; readonly key: string };
  readonly bucket: string;
}

export interface Contestant {
  put(key: string, bytes: Uint8Array, md5: string): Promise<void>;
  /** Bytes read. */
  get(key: string, sizeBytes: number): Promise<number>;
  /** Entries listed. */
  list(): Promise<number>;
}

/** Each loads only what it needs, so that memory is its own. */
export const CONTESTANTS: Readonly<Record<string, (places: Places) => Promise<Contestant>>> = {
  "s3 adapter": async ({ s3, bucket }) => {
    const { S3ObjectStore } = await import("../../adapters/aws/src/s3/s3-object-store.ts");
    const { region } = s3;
    const endpoint = new URL(s3.endpoint);
    return fromStore(new S3ObjectStore({ bucket, region, endpoint, credentials: s3 }));
  },
  "s3 sdk": async (places) => (await import("./sdk-contestants.ts")).s3Sdk(places),
  "blob adapter": async ({ blob, bucket }) => {
    const { BlobObjectStore } = await import("../../adapters/azure/src/blob/blob-object-store.ts");
    const credential = { kind: "shared-key", account: blob.account, key: blob.key } as const;
    const endpoint = new URL(blob.endpoint);
    return fromStore(new BlobObjectStore({ endpoint, container: bucket, credential }));
  },
  "blob sdk": async (places) => (await import("./sdk-contestants.ts")).blobSdk(places),
};

/** What a copy notes about its source. */
export const STAMP = "1:0123456789abcdef0123456789abcdef";

const SIGNAL = new AbortController().signal;
const PROPERTIES: ObjectProperties = {
  contentType: "application/octet-stream",
  contentEncoding: null,
  contentDisposition: null,
  contentLanguage: null,
  cacheControl: null,
  metadata: {},
  tags: {},
  stamp: STAMP,
};

function fromStore(store: ObjectStore): Contestant {
  const etags = new Map<string, string>();
  return {
    put: async (key, bytes, md5) => {
      const request = { key, properties: PROPERTIES, condition: { kind: "none" } } as const;
      etags.set(key, (await store.write(request, { bytes, md5 }, SIGNAL)).etag);
    },
    get: async (key, sizeBytes) => {
      const request = { key, etag: etags.get(key) ?? "", sizeBytes };
      return (await store.readWhole(request, SIGNAL)).bytes.length;
    },
    list: async () => {
      let count = 0;
      for await (const page of store.list({ prefix: "" }, SIGNAL)) count += page.length;
      return count;
    },
  };
}
