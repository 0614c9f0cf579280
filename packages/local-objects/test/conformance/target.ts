/** An S3 to be judged, and how the suite reaches it. */
import { randomBytes } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import type { LocalCredentials } from "../../src/index.ts";

/** What the suite needs of an S3. */
export interface ConformanceTarget {
  /** Absent for the real one. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** A bucket that keeps versions; null if there is none to be had. */
  readonly versionedBucket: string | null;
  readonly credentials: LocalCredentials;
  readonly close: () => Promise<void>;
}

/** A target and a client, as every check sees them. */
export interface Judged {
  readonly target: ConformanceTarget;
  readonly client: S3Client;
  readonly Bucket: string;
  /** A key nobody has used, below a prefix of this run. */
  readonly fresh: (name?: string) => string;
}

/** Calls are checked as they are: a retry would hide what the first answer was. */
export function judged(target: ConformanceTarget): Judged {
  const client = new S3Client({
    endpoint: target.endpoint,
    region: target.region,
    credentials: target.credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  const run = randomBytes(4).toString("hex");
  let count = 0;
  const fresh = (name = "object"): string => {
    count += 1;
    return `conformance-${run}/${String(count).padStart(4, "0")}/${name}`;
  };
  return { target, client, Bucket: target.bucket, fresh };
}
