/** What tests do to the local S3 server besides what the adapter can do. */
import type { StaticCredentials } from "@cloudphoenix/adapter-aws";
import type { LocalS3 } from "@cloudphoenix/local-objects";
import { HttpTransport } from "@cloudphoenix/objects/wire";
import { type S3Call, S3Client } from "../src/s3/s3-client.ts";

export async function createBucket(
  server: Pick<LocalS3, "endpoint" | "region">,
  credentials: StaticCredentials,
  bucket: string,
): Promise<void> {
  await put(server, credentials, { bucket, query: {}, body: null });
}

/** Has every change in the bucket told to the queue. */
export async function tellQueue(
  server: Pick<LocalS3, "endpoint" | "region">,
  credentials: StaticCredentials,
  { bucket, arn }: { readonly bucket: string; readonly arn: string },
): Promise<void> {
  const events = "<Event>s3:ObjectCreated:*</Event><Event>s3:ObjectRemoved:*</Event>";
  const rule = `<QueueConfiguration><Id>all</Id><Queue>${arn}</Queue>${events}</QueueConfiguration>`;
  const body = `<NotificationConfiguration>${rule}</NotificationConfiguration>`;
  await put(server, credentials, { bucket, query: { notification: "" }, body });
}

export async function turnOnVersioning(
  server: Pick<LocalS3, "endpoint" | "region">,
  credentials: StaticCredentials,
  bucket: string,
): Promise<void> {
  const body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
  await put(server, credentials, { bucket, query: { versioning: "" }, body });
}

async function put(
  server: Pick<LocalS3, "endpoint" | "region">,
  credentials: StaticCredentials,
  what: {
    readonly bucket: string;
    readonly query: Readonly<Record<string, string>>;
    readonly body: string | null;
  },
): Promise<void> {
  const transport = new HttpTransport({ address: "local S3" });
  const client = new S3Client({
    address: "local S3",
    bucket: what.bucket,
    region: server.region,
    endpoint: new URL(server.endpoint),
    credentials: () => Promise.resolve(credentials),
    transport,
  });
  const { query, body } = what;
  const call = {
    method: "PUT",
    key: null,
    query,
    doing: "preparing",
    notFound: "NOT_FOUND",
  } as const;
  const request: S3Call = body === null ? call : { ...call, body: Buffer.from(body) };
  await client.done(request, AbortSignal.timeout(10_000));
  transport.close();
}
