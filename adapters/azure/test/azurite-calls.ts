/** What tests do to Azurite besides what the adapter can do. */
import { HttpTransport } from "@cloudphoenix/objects/wire";
import { BlobClient } from "../src/blob/blob-client.ts";
import { ACCOUNT, ACCOUNT_KEY } from "./azurite.ts";

export async function createContainer(endpoint: URL, container: string): Promise<void> {
  const transport = new HttpTransport({ address: "azurite" });
  const client = new BlobClient({
    address: "azurite",
    endpoint,
    container,
    credential: { kind: "shared-key", account: ACCOUNT, key: ACCOUNT_KEY },
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
