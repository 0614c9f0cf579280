import { once } from "node:events";
import { createServer } from "node:http";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { DnsConvergenceProbe } from "../src/dns-convergence-probe.ts";
import { portOf } from "../src/port-of.ts";
import { NEVER } from "./dns-world.ts";

/** A site that answers `/cloud-status` with `body`. */
async function startSite(body: string): Promise<number> {
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/cloud-status" ? 200 : 404;
    response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return portOf(server);
}

function probeOf(port: number): DnsConvergenceProbe {
  return new DnsConvergenceProbe({
    vantage: "internet",
    name: "shop.phoenix.test",
    port,
    timeoutMs: 5000,
    resolver: {
      resolve: async () => ({ address: "127.0.0.1", ttlMs: 1000, expiresAtMs: 0 }),
    },
  });
}

describe("a convergence probe", () => {
  test("says which site answered at the address of the name", async () => {
    const port = await startSite(JSON.stringify({ site: "aws-us-east-1", role: "active" }));
    expect(await probeOf(port).sample(NEVER)).toEqual([
      {
        vantage: "internet",
        site: "aws-us-east-1",
        detail: "shop.phoenix.test is 127.0.0.1, answered by aws-us-east-1",
      },
    ]);
  });

  test.each([
    ["something that is not JSON", "<html>", /HTTP 200 without a site/u],
    ["no site", "{}", /HTTP 200 without a site/u],
    ["too much", "x".repeat(100_000), /too long/u],
  ])("has no site when the answer is %s", async (_what, body, detail) => {
    const port = await startSite(body);
    const [sample] = await probeOf(port).sample(NEVER);
    expect(sample).toMatchObject({ vantage: "internet", site: null });
    expect(sample?.detail).toMatch(detail);
  });

  test("has no site when the name cannot be resolved", async () => {
    const probe = new DnsConvergenceProbe({
      vantage: "internet",
      name: "shop.phoenix.test",
      port: 1,
      resolver: {
        resolve: () =>
          Promise.reject(new CloudPhoenixError("NOT_FOUND", "no address", { retryable: true })),
      },
    });
    const [sample] = await probe.sample(NEVER);
    expect(sample).toMatchObject({ site: null, detail: "shop.phoenix.test: no address" });
  });
});
