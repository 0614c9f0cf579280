/**
 * CPU per object of our adapters beside the vendors' clients, on the same local servers, in turns.
 *
 *   npx node bench/object-stores/run.ts [rounds] [count] [bytes]
 *
 * CPU time of the client's process only; the servers have processes of their own.
 */
import { fork, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAzurite } from "@cloudphoenix/local-objects";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CONTESTANTS, type Places } from "./contestants.ts";
import type { PhaseCost } from "./worker.ts";

interface Costs {
  readonly put: PhaseCost;
  readonly get: PhaseCost;
  readonly list: PhaseCost;
  readonly peakMib: number;
}

const [rounds = 3, count = 5000, sizeBytes = 4096] = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), "bench-stores-"));
const s3Process = fork(join(import.meta.dirname, "s3-server.ts"), [
  join(directory, "s3"),
  "bench",
  "only-for-this-run",
]);
const azurite = await startAzurite({ directory: join(directory, "azurite"), blobPort: 0 });
try {
  const ready = new Promise<{ endpoint: string; region: string }>((resolve) =>
    s3Process.once("message", (message) =>
      resolve(message as { endpoint: string; region: string }),
    ),
  );
  const s3 = { ...(await ready), accessKeyId: "bench", secretAccessKey: "only-for-this-run" };
  const { blobEndpoint: endpoint, accountName: account, accountKey: key } = azurite;
  console.log(`${count} objects of ${sizeBytes} bytes, 32 in flight, ${rounds} rounds`);
  for (let round = 1; round <= rounds; round += 1) {
    for (const contestant of Object.keys(CONTESTANTS)) {
      const bucket = `bench-${round}-${contestant.replace(" ", "-")}`;
      const places: Places = { s3, blob: { endpoint, account, key }, bucket };
      await prepare(places);
      report(contestant, await run({ contestant, places, count, sizeBytes, inFlight: 32 }));
    }
  }
} finally {
  s3Process.disconnect();
  await azurite.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function prepare({ s3, blob, bucket }: Places): Promise<void> {
  const client = new S3Client({ ...s3, forcePathStyle: true, credentials: s3 });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  const credential = new StorageSharedKeyCredential(blob.account, blob.key);
  await new BlobServiceClient(blob.endpoint, credential).getContainerClient(bucket).create();
}

function run(job: object): Promise<Costs> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "worker.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(job));
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(said) as Costs);
      else reject(new Error(`a contestant ended with ${code}`));
    });
  });
}

function report(contestant: string, { put, get, list, peakMib }: Costs): void {
  const figures = [put, get, list].map(
    ({ cpuMsPerObject, objectsPerSecond }) =>
      `${cpuMsPerObject.toFixed(3)} ms ${objectsPerSecond.toFixed(0).padStart(6)}/s`,
  );
  const [puts, gets, lists] = figures;
  console.log(
    `${contestant.padEnd(13)} put ${puts}   get ${gets}   list ${lists}   ${peakMib.toFixed(0)} MiB`,
  );
}
