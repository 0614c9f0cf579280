import { describeSiteLease } from "@cloudphoenix/testkit";
import { afterAll, beforeAll } from "vitest";
import { LeasedServer } from "./fixture/leased-server.ts";
import { soon } from "./fixture/pair.ts";

let server: LeasedServer;

beforeAll(async () => {
  server = await LeasedServer.open();
});
afterAll(() => server.remove());

describeSiteLease({
  name: "PostgreSQL",
  setup: async (epoch) => {
    const { lease } = server;
    const become = async (role: string, generation: number): Promise<void> => {
      await server.run(
        `update cloudphoenix.site set role = '${role}', generation = ${generation}, writes_open = ${role === "active"}`,
      );
    };
    await become("active", epoch);
    await server.run("select setval('cloudphoenix.promised_until', 0)");
    const { nowMs } = await lease.read(soon());
    await lease.extend({ epoch, untilMs: nowMs + 600_000 }, soon());
    return {
      lease,
      become,
      lapse: async () => {
        await server.run("select setval('cloudphoenix.lease_until', 0)");
      },
      stop: () => server.hangUp(),
    };
  },
});
