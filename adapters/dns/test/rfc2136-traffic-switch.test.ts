import { once } from "node:events";
import { createServer } from "node:net";
import { inspect } from "node:util";
import { VirtualClock } from "@cloudphoenix/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { portOf } from "../src/port-of.ts";
import type { Rfc2136Options } from "../src/rfc2136-traffic-switch.ts";
import { startRelay } from "./dns-relay.ts";
import { type DnsWorld, KEY, NEVER, startWorld } from "./dns-world.ts";

const AWS = "aws-us-east-1";
const AZURE = "azure-westeurope";

function recordsOf(world: DnsWorld): readonly string[] {
  return world.zone
    .snapshot()
    .records.filter((record) => record.type !== "NS")
    .map(({ name, type, data }) => `${name} ${type} ${data}`);
}

describe("the traffic switch", () => {
  test.each(["tcp", "udp"] as const)("reads and switches over %s", async (transport) => {
    const world = await startWorld();
    const traffic = world.trafficSwitch({ transport });
    expect(await traffic.read(NEVER)).toEqual({
      site: AWS,
      generation: 0,
      ttlMs: 1000,
      answer: "shop.phoenix.test A 127.0.1.1",
    });
    const state = await traffic.switchTo(AZURE, 7, NEVER);
    expect(state).toMatchObject({ site: AZURE, generation: 7 });
    expect(await traffic.read(NEVER)).toEqual(state);
    expect(recordsOf(world)).toEqual([
      "shop.phoenix.test A 127.0.2.1",
      `_cloudphoenix.shop.phoenix.test TXT v=1;generation=7;site=${AZURE}`,
    ]);
    expect(traffic.capabilities).toEqual({ compareAndSwap: true, propagationMs: 0 });
  });

  test("does nothing when it already points there for this generation", async () => {
    const world = await startWorld();
    const traffic = world.trafficSwitch();
    const first = await traffic.switchTo(AZURE, 7, NEVER);
    const { serial } = world.zone.snapshot();
    expect(await traffic.switchTo(AZURE, 7, NEVER)).toEqual(first);
    expect(world.zone.snapshot().serial).toBe(serial);
  });

  test("records a newer generation even if the site stays", async () => {
    const world = await startWorld();
    const state = await world.trafficSwitch().switchTo(AWS, 3, NEVER);
    expect(state).toMatchObject({ site: AWS, generation: 3 });
  });

  test("repairs a wrong TTL", async () => {
    const world = await startWorld();
    await world.trafficSwitch({ ttlMs: 60_000 }).switchTo(AZURE, 7, NEVER);
    expect(await world.trafficSwitch().switchTo(AZURE, 7, NEVER)).toMatchObject({ ttlMs: 1000 });
  });

  test("goes back within its generation, as undoing a step does", async () => {
    const world = await startWorld();
    const traffic = world.trafficSwitch();
    await traffic.switchTo(AZURE, 7, NEVER);
    expect(await traffic.switchTo(AWS, 7, NEVER)).toMatchObject({ site: AWS, generation: 7 });
  });

  test("refuses an older generation and leaves the record alone", async () => {
    const world = await startWorld();
    const traffic = world.trafficSwitch();
    await traffic.switchTo(AZURE, 7, NEVER);
    const before = recordsOf(world);
    await expect(traffic.switchTo(AWS, 6, NEVER)).rejects.toMatchObject({
      code: "STALE_GENERATION",
      retryable: false,
    });
    expect(recordsOf(world)).toEqual(before);
  });

  test("answers no site for an address nobody configured", async () => {
    const world = await startWorld();
    const traffic = world.trafficSwitch({ addresses: { [AZURE]: "127.0.2.1" } });
    expect(await traffic.read(NEVER)).toMatchObject({ site: null });
    await expect(traffic.switchTo(AWS, 1, NEVER)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  test("will not write over a generation it cannot read", async () => {
    const beside = "_cloudphoenix.shop.phoenix.test";
    const world = await startWorld(undefined, [
      { name: beside, type: "TXT", ttlS: 1, data: "v=2;epoch=9" },
    ]);
    await expect(world.trafficSwitch().switchTo(AZURE, 1, NEVER)).rejects.toMatchObject({
      code: "TRAFFIC_REFUSED",
      retryable: false,
    });
    expect(recordsOf(world)).toContain("shop.phoenix.test A 127.0.1.1");
  });
});

// Goal: the server, not what the client read, decides who was first.
// Method: a relay lets somebody else act between a switch's reading and its update.
describe("two switches at once", () => {
  test("an older one that read first is refused by the server", async () => {
    const world = await startWorld();
    const slow = world.trafficSwitch({
      server: await startRelay(world, {
        beforeUpdate: () => world.trafficSwitch().switchTo(AZURE, 8, NEVER),
      }),
    });
    await expect(slow.switchTo(AWS, 7, NEVER)).rejects.toMatchObject({ code: "STALE_GENERATION" });
    expect(await world.trafficSwitch().read(NEVER)).toMatchObject({ site: AZURE, generation: 8 });
  });

  test("a newer one that lost the race tries again and wins", async () => {
    const world = await startWorld();
    const newer = world.trafficSwitch({
      server: await startRelay(world, {
        beforeUpdate: () => world.trafficSwitch().switchTo(AWS, 7, NEVER),
      }),
    });
    expect(await newer.switchTo(AZURE, 8, NEVER)).toMatchObject({ site: AZURE, generation: 8 });
  });

  test("of one generation, exactly one wins", async () => {
    const world = await startWorld();
    const late = world.trafficSwitch({
      server: await startRelay(world, {
        beforeUpdate: () => world.trafficSwitch().switchTo(AZURE, 7, NEVER),
      }),
    });
    await expect(late.switchTo(AWS, 7, NEVER)).rejects.toMatchObject({
      code: "CONFLICT",
      retryable: true,
    });
    expect(await world.trafficSwitch().read(NEVER)).toMatchObject({ site: AZURE });
  });

  test("with the same intention both succeed", async () => {
    const world = await startWorld();
    const states = await Promise.all([
      world.trafficSwitch().switchTo(AZURE, 7, NEVER),
      world.trafficSwitch().switchTo(AZURE, 7, NEVER),
    ]);
    expect(states[0]).toEqual(states[1]);
  });
});

describe("a switch that is not let", () => {
  test.each<[string, Partial<Rfc2136Options>, RegExp]>([
    ["the secret is wrong", { key: { ...KEY, secret: Buffer.from("guess") } }, /secret must be/u],
    ["the key is unknown", { key: { ...KEY, name: "other" } }, /name and its algorithm/u],
    ["the server has no such zone", { zone: "a.test", name: "shop.a.test" }, /zone a.test/u],
  ])("says what to check when %s", async (_what, changes, hint) => {
    const world = await startWorld();
    await expect(world.trafficSwitch(changes).switchTo(AZURE, 1, NEVER)).rejects.toMatchObject({
      code: "TRAFFIC_REFUSED",
      retryable: false,
      hint: expect.stringMatching(hint),
    });
    expect(recordsOf(world)).toEqual(["shop.phoenix.test A 127.0.1.1"]);
  });

  test("may try again when the clocks disagree", async () => {
    const world = await startWorld();
    const clock = new VirtualClock(world.clock.now() - 3_600_000);
    await expect(world.trafficSwitch({ clock }).switchTo(AZURE, 1, NEVER)).rejects.toMatchObject({
      code: "TRAFFIC_REFUSED",
      retryable: true,
      hint: expect.stringMatching(/clocks/u),
    });
  });

  test.each([
    ["the reply says another thing than was signed", 3],
    ["the signature of the reply is damaged", -20],
  ])("does not believe it when %s", async (_what, at) => {
    const world = await startWorld();
    const server = await startRelay(world, {
      alterReply: (reply) => {
        const index = at < 0 ? reply.length + at : at;
        reply[index] = (reply[index] ?? 0) ^ 1;
      },
    });
    await expect(world.trafficSwitch({ server }).read(NEVER)).rejects.toMatchObject({
      code: "TRAFFIC_REFUSED",
    });
  });

  test("is unreachable, and may be tried again, when nobody answers", async () => {
    const silent = createServer(() => {});
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    onTestFinished(() => void silent.close());
    const world = await startWorld();
    const traffic = world.trafficSwitch({
      server: { host: "127.0.0.1", port: portOf(silent) },
      timeoutMs: 50,
    });
    await expect(traffic.read(NEVER)).rejects.toMatchObject({
      code: "UNREACHABLE",
      retryable: true,
    });
  });

  test.each(["tcp", "udp"] as const)("is unreachable on a closed %s port", async (transport) => {
    const world = await startWorld();
    await world.server.close();
    await expect(world.trafficSwitch({ transport }).read(NEVER)).rejects.toMatchObject({
      code: "UNREACHABLE",
      retryable: true,
    });
  });

  test("stops as soon as it is called off", async () => {
    const world = await startWorld();
    const aborted = AbortSignal.abort(new Error("enough"));
    await expect(world.trafficSwitch().switchTo(AZURE, 1, aborted)).rejects.toMatchObject({
      code: "ABORTED",
    });
    expect(recordsOf(world)).toEqual(["shop.phoenix.test A 127.0.1.1"]);
  });

  test("never puts the secret into an error", async () => {
    const world = await startWorld();
    const secret = Buffer.from("do-not-print-me");
    const traffic = world.trafficSwitch({ key: { ...KEY, secret } });
    const error: unknown = await traffic.read(NEVER).catch((thrown: unknown) => thrown);
    const printed = inspect(error, { depth: 10 });
    expect(printed).not.toContain("do-not-print-me");
    expect(printed).not.toContain(secret.toString("base64"));
  });
});
