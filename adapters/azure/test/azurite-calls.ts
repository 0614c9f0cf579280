/** What tests do to Azurite besides what the adapter can do. */
import type { StorageCredential } from "@cloudphoenix/adapter-azure";
import type { Azurite } from "@cloudphoenix/local-objects";
import { HttpTransport } from "@cloudphoenix/objects/wire";
import { type StorageCall, StorageClient } from "../src/storage-client.ts";

export function credentialOf(azurite: Azurite): StorageCredential {
  return { kind: "shared-key", account: azurite.accountName, key: azurite.accountKey };
}

export async function createContainer(azurite: Azurite, container: string): Promise<void> {
  const query = "?restype=container";
  await put({ endpoint: azurite.blobEndpoint, azurite, name: container, key: null, query });
}

export async function createQueue(azurite: Azurite, queue: string): Promise<void> {
  const endpoint = azurite.queueEndpoint ?? "";
  await put({ endpoint, azurite, name: queue, key: null, query: "" });
}

/** Puts it as Event Grid does: JSON in base64. */
export async function putMessage(azurite: Azurite, queue: string, event: object): Promise<void> {
  const text = Buffer.from(JSON.stringify(event)).toString("base64");
  await put({
    endpoint: azurite.queueEndpoint ?? "",
    azurite,
    name: queue,
    key: "messages",
    query: "",
    body: Buffer.from(`<QueueMessage><MessageText>${text}</MessageText></QueueMessage>`),
  });
}

/** Of the whole account. */
export async function setSoftDelete(azurite: Azurite, on: boolean): Promise<void> {
  const policy = on ? "<Enabled>true</Enabled><Days>7</Days>" : "<Enabled>false</Enabled>";
  const xml = `<StorageServiceProperties><DeleteRetentionPolicy>${policy}</DeleteRetentionPolicy></StorageServiceProperties>`;
  const transport = new HttpTransport({ address: "azurite" });
  const client = clientFor({ endpoint: azurite.blobEndpoint, azurite, name: "none" }, transport);
  const answer = await client.tryAccountCall(
    {
      method: "PUT",
      key: null,
      query: "?restype=service&comp=properties",
      body: Buffer.from(xml),
      doing: "preparing a test",
      notFound: "NOT_FOUND",
    },
    AbortSignal.timeout(10_000),
  );
  answer.body.resume();
  if (answer.status !== 202) throw new Error(`soft delete: ${answer.status}`);
  transport.close();
}

function clientFor(
  what: { readonly endpoint: string; readonly azurite: Azurite; readonly name: string },
  transport: HttpTransport,
): StorageClient {
  return new StorageClient({
    address: "azurite",
    endpoint: new URL(what.endpoint),
    container: what.name,
    credential: credentialOf(what.azurite),
    transport,
  });
}

async function put(what: {
  readonly endpoint: string;
  readonly azurite: Azurite;
  readonly name: string;
  readonly key: string | null;
  readonly query: string;
  readonly body?: Uint8Array;
}): Promise<void> {
  const transport = new HttpTransport({ address: "azurite" });
  const client = clientFor(what, transport);
  const { key, query, body } = what;
  const call = { key, query, doing: "preparing a test", notFound: "NOT_FOUND" } as const;
  const request: StorageCall =
    body === undefined ? { ...call, method: "PUT" } : { ...call, method: "POST", body };
  await client.done(request, AbortSignal.timeout(10_000));
  transport.close();
}
