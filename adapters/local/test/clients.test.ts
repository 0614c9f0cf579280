// Goal: what a control plane answers, or fails to answer, reaches the engine under the right code.
// Method: a stub server that says exactly one thing per test. The clients meet the real provider
// and network APIs in apps/sandbox/test.
import { createServer, type Server, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { LocalDatabaseHost, LocalNetworkFencer, LocalWorkloadControl } from "../src/index.ts";

const never = new AbortController().signal;
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function stub(answer: (response: ServerResponse) => void) {
  const server = createServer((_request, response) => answer(response));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const endpoint = { url: `http://127.0.0.1:${port}`, token: "t0ken" };
  return { endpoint, endpoints: new Map([["a", endpoint]]), timeoutMs: 200 };
}

function says(status: number, body: unknown) {
  return (response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
}

test.each([
  [401, { message: "no" }, "UNAUTHORIZED", false],
  [409, { code: "STALE_GENERATION", message: "older than 7" }, "STALE_GENERATION", false],
  [409, { message: "busy" }, "CONFLICT", false],
  [404, { code: "NOT_FOUND", message: "no such workload" }, "NOT_FOUND", false],
  [400, {}, "BAD_REQUEST", false],
  [503, { message: "starting" }, "UNREACHABLE", true],
])("an answer %i %o becomes %s", async (status, body, code, retryable) => {
  const control = new LocalWorkloadControl(await stub(says(status, body)));

  const scaling = control.scale("a", "orders", { replicas: 0, generation: 3 }, never);

  await expect(scaling).rejects.toMatchObject({ code, retryable });
});

test("a server that accepts and never answers is unreachable after the deadline", async () => {
  const host = new LocalDatabaseHost(await stub(() => {}));

  await expect(host.inspect("a", never)).rejects.toMatchObject({
    code: "UNREACHABLE",
    retryable: true,
    message: expect.stringContaining("no answer within 200 ms"),
  });
});

test("a caller that gives up gets ABORTED, not UNREACHABLE", async () => {
  const host = new LocalDatabaseHost({ ...(await stub(() => {})), timeoutMs: 60_000 });
  const giveUp = new AbortController();

  const inspecting = host.inspect("a", giveUp.signal);
  giveUp.abort();

  await expect(inspecting).rejects.toMatchObject({ code: "ABORTED", retryable: false });
});

test("an answer without the promised fields is refused, not guessed", async () => {
  const control = new LocalWorkloadControl(await stub(says(200, { desired: 2 })));

  await expect(control.inspect("a", "orders", never)).rejects.toMatchObject({ code: "INTERNAL" });
});

test("a site without a provider API is refused by name", async () => {
  const control = new LocalWorkloadControl({ endpoints: new Map() });

  await expect(control.inspect("b", "orders", never)).rejects.toMatchObject({
    code: "NOT_FOUND",
    hint: expect.stringContaining("site b"),
  });
});

test("the token never shows in a message", async () => {
  const control = new LocalWorkloadControl(await stub(says(401, { message: "no" })));

  const error: unknown = await control.inspect("a", "orders", never).catch((e: unknown) => e);

  expect(String(error)).not.toContain("t0ken");
});

test("a network fence that is not read back as fenced is unproven", async () => {
  const options = await stub(says(200, { fenced: false, generation: 4 }));
  const fencer = new LocalNetworkFencer(options);

  const proof = await fencer.fence("a", 4, never);

  expect(proof).toMatchObject({ means: "network", degree: "unproven" });
});

test("a network fence of a newer generation stops the caller instead of counting as unproven", async () => {
  const options = await stub(says(409, { code: "STALE_GENERATION", message: "9 is recorded" }));
  const fencer = new LocalNetworkFencer(options);

  await expect(fencer.fence("a", 4, never)).rejects.toMatchObject({ code: "STALE_GENERATION" });
});
