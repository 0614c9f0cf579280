/**
 * The message that Event Grid puts on a storage queue for a change of a blob: its own schema, JSON in base64.
 * Source: "Azure Blob Storage as an Event Grid source", event schema of Blob storage.
 */
import { randomUUID } from "node:crypto";
import type { BlobChange } from "./blob-changes.ts";

const SUBSCRIPTION = "00000000-0000-0000-0000-000000000000";

/**
 * The text of the message.
 * @param blobEndpoint - with the account, for the blob's address
 * @param sequence - grows with every event
 */
export function gridMessage(change: BlobChange, blobEndpoint: string, sequence: bigint): string {
  const { account, container, blob, api, at } = change;
  const event = {
    topic: `/subscriptions/${SUBSCRIPTION}/resourceGroups/azurite/providers/Microsoft.Storage/storageAccounts/${account}`,
    subject: `/blobServices/default/containers/${container}/blobs/${blob}`,
    eventType: `Microsoft.Storage.${api === "DeleteBlob" ? "BlobDeleted" : "BlobCreated"}`,
    id: randomUUID(),
    eventTime: at.toISOString(),
    data: dataOf(change, blobEndpoint, sequence),
    dataVersion: "",
    metadataVersion: "1",
  };
  return Buffer.from(JSON.stringify(event)).toString("base64");
}

function dataOf(change: BlobChange, blobEndpoint: string, sequence: bigint): object {
  const { api, container, blob, requestId, clientRequestId, properties } = change;
  const path = blob.split("/").map(encodeURIComponent).join("/");
  return {
    api,
    clientRequestId,
    requestId,
    ...(properties !== null && {
      eTag: properties.etag,
      contentType: properties.contentType,
      contentLength: properties.contentLength,
    }),
    blobType: properties?.blobType ?? "BlockBlob",
    url: `${blobEndpoint}/${container}/${path}`,
    sequencer: sequence.toString(16).toUpperCase().padStart(32, "0"),
    storageDiagnostics: { batchId: randomUUID() },
  };
}
