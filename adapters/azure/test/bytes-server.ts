/** A host that gives away bytes by URL, with properties of its own, as a cloud's store would. */
import { createServer } from "node:http";
import { SecretUrl } from "@cloudphoenix/objects";

export interface BytesServer {
  /** A URL that opens these bytes; null: one that opens nothing. */
  readonly put: (bytes: Uint8Array | null) => Promise<SecretUrl>;
  stop(): Promise<void>;
}

const OWN_PROPERTIES = { "content-type": "image/png", "cache-control": "no-store", etag: "theirs" };

export async function openBytesServer(): Promise<BytesServer> {
  const held: (Uint8Array | null)[] = [];
  const server = createServer((request, response) => {
    const bytes = held[Number(request.url?.slice("/held-".length))] ?? null;
    if (bytes === null) response.writeHead(404).end();
    else response.writeHead(200, OWN_PROPERTIES).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    put: async (bytes) => {
      held.push(bytes);
      return new SecretUrl(`http://127.0.0.1:${port}/held-${held.length - 1}`);
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
