import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { HttpTransport } from "../../src/wire/http-transport.ts";

test("a body that was cut off before anybody took it ended early, and is not waited for", async () => {
  const { signal } = new AbortController();
  const server = createServer((client) => {
    client.on("error", () => undefined);
    client.once("data", () => {
      client.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnot all of it");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const transport = new HttpTransport({ address: "store" });
  try {
    const endpoint = { secure: false, hostname: "127.0.0.1", port, host: "store" };
    const request = { method: "GET", endpoint, path: "/", headers: {}, body: null };
    const answer = await transport.exchange(request, signal);
    // Without a listener for errors, as nobody listens yet.
    await new Promise((settle) => answer.body.once("close", settle));
    const taken = transport.collect(answer, 1_000, signal);
    await expect(taken).rejects.toMatchObject({ code: "OBJECT_CORRUPT", retryable: true });
  } finally {
    transport.close();
    server.close();
  }
});
