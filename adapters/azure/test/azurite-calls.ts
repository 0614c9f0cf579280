/** What tests do to Azurite besides what the adapter can do. */
import type { BlobCredential } from "@cloudphoenix/adapter-azure";
import type { Azurite } from "@cloudphoenix/local-objects";
import { HttpTransport } from "@cloudphoenix/objects/wire";
import { BlobClient } from "../src/blob/blob-client.ts";

export function credentialOf(azurite: Azurite): BlobCredential {
  return { kind: "shared-key", account: azurite.accountName, key: azurite.accountKey };
}

export async function createContainer(azurite: Azurite, container: string): Promise<void> {
  const transport = new HttpTransport({ address: "azurite" });
  const client = new BlobClient({
    address: "azurite",
    endpoint: new URL(azurite.blobEndpoint),
    container,
    credential: credentialOf(azurite),
    transport,
  });
  await client.done(
    {
      method: "PUT",
      key: null,
      query: "?restype=container",
      doing: "creating a container",
      notFound: "NOT_FOUND",
    },
    AbortSignal.timeout(10_000),
  );
  transport.close();
}
