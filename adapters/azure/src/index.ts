export type { StorageCredential } from "./storage-client.ts";
export * from "./blob/blob-object-store.ts";
export * from "./queue/blob-queue-events.ts";
