/** A TCP relay in front of the DNS server that can act, or lie, at the right moment. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { onTestFinished } from "vitest";
import type { DnsServerAddress } from "../src/exchange.ts";
import { portOf } from "../src/port-of.ts";
import type { DnsWorld } from "./dns-world.ts";

interface RelayTricks {
  /** Runs once, after the first update has left the client and before it reaches the server. */
  readonly beforeUpdate?: () => Promise<unknown>;
  /** Changes replies in place; the message starts after the two length bytes, which are not given. */
  readonly alterReply?: (reply: Buffer) => void;
}

export async function startRelay(world: DnsWorld, tricks: RelayTricks): Promise<DnsServerAddress> {
  let waiting = tricks.beforeUpdate;
  const relay = createServer((client) => {
    const server = connect(world.server.port, world.server.host);
    client.on("error", () => server.destroy());
    server.on("error", () => client.destroy());
    client.on("close", () => server.destroy());
    server.on("data", (reply: Buffer) => {
      tricks.alterReply?.(reply.subarray(2));
      client.write(reply);
    });
    client.on("data", (message: Buffer) => {
      const isUpdate = ((message.readUInt8(4) >> 3) & 0xf) === 5;
      const act = isUpdate ? waiting : undefined;
      if (isUpdate) waiting = undefined;
      void Promise.resolve(act?.()).then(() => server.write(message));
    });
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  onTestFinished(() => void relay.close());
  return { host: "127.0.0.1", port: portOf(relay) };
}
