/** An event as Event Grid makes it for a blob that was written. */
export function gridEvent(blob: {
  readonly key: string;
  readonly container?: string;
  readonly sequencer?: string;
}): { readonly subject: string; readonly data: object; readonly [field: string]: unknown } {
  const { key, container = "receipts", sequencer = "000000000000000000000000000089A4" } = blob;
  return {
    topic: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a",
    subject: `/blobServices/default/containers/${container}/blobs/${key}`,
    eventType: "Microsoft.Storage.BlobCreated",
    id: "831e1650-001e-001b-66ab-eeb76e069631",
    eventTime: "2026-03-01T10:00:00.5Z",
    data: { api: "PutBlob", eTag: "0x8D4BCC2E4835CD0", blobType: "BlockBlob", sequencer },
    dataVersion: "",
    metadataVersion: "1",
  };
}
