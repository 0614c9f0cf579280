export type { BlobCredential } from "./blob/blob-client.ts";
export * from "./blob/blob-object-store.ts";
