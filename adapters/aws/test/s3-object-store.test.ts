import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws";
import { startLocalS3 } from "@cloudphoenix/local-objects";
import { describeObjectStore, FaultyLink } from "@cloudphoenix/testkit";
import { createBucket } from "./local-s3-calls.ts";

let buckets = 0;

async function openUrl(url: string): Promise<Uint8Array | null> {
  const answer = await fetch(url);
  const bytes = await answer.bytes();
  return answer.ok ? bytes : null;
}

describeObjectStore({
  name: "S3 adapter against the local S3 server",
  hasLink: true,
  givesUrls: true,
  oddKeys: ["a/./b", "a/../b", "ends.", "back\\slash", "line\nbreak", "\u0001", "x/".repeat(255)],
  refusedKeys: {
    "": "no key at all",
    "..": "it leads out of the bucket",
    "../a": "it leads out of the bucket",
    "a/../../b": "it leads out of the bucket",
    "half \ud800": "not Unicode",
    ["x".repeat(1025)]: "too long",
    [`${"x".repeat(1023)}ü`]: "too long in UTF-8",
  },
  setup: async () => {
    const credentials = { accessKeyId: "contract", secretAccessKey: "only-for-this-test" };
    const directory = await mkdtemp(join(tmpdir(), "contract-s3-"));
    const server = await startLocalS3({ directory, port: 0, credentials: [credentials] });
    const link = await FaultyLink.open(new URL(server.endpoint));
    const stores: S3ObjectStore[] = [];
    return {
      open: async ({ pageSize }) => {
        buckets += 1;
        const bucket = `contract-${buckets}`;
        await createBucket(server, credentials, bucket);
        const options = {
          bucket,
          region: server.region,
          endpoint: link.url,
          credentials,
          pageSize,
        };
        const store = new S3ObjectStore(options);
        const impatient = new S3ObjectStore({ ...options, silenceMs: 1000 });
        stores.push(store, impatient);
        return { store, link, impatient, openUrl };
      },
      stop: async () => {
        for (const store of stores) store.close();
        await link.close();
        await server.stop();
        await rm(directory, { recursive: true });
      },
    };
  },
});
