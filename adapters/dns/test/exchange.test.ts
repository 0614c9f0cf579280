import { expect, test } from "vitest";
import { exchange } from "../src/exchange.ts";

/** Reserved never to exist (RFC 2606). */
const server = { host: "dns.invalid", port: 53 };

test.each(["udp", "tcp"] as const)(
  "a server whose name cannot be resolved is unreachable over %s, and nothing worse",
  async (transport) => {
    const { signal } = new AbortController();
    const asked = exchange(Buffer.alloc(12), { server, transport, timeoutMs: 10_000, signal });
    await expect(asked).rejects.toMatchObject({ code: "UNREACHABLE", retryable: true });
  },
);
