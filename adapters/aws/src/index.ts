export type { StaticCredentials } from "./aws-credentials.ts";
export * from "./s3/s3-object-store.ts";
export * from "./sqs/sqs-object-events.ts";
