import { createSocket } from "node:dgram";
import { once } from "node:events";
import { decode, encode } from "dns-packet";
import { SeededRandom, VirtualClock } from "@cloudphoenix/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { TtlResolver, type TtlResolverOptions } from "../src/ttl-resolver.ts";
import { NEVER, startWorld } from "./dns-world.ts";

interface FakeServer {
  readonly address: { readonly host: string; readonly port: number };
  questions: number;
  /** What to answer: an address, null for no such name, or "silent". */
  answer: string | null;
}

/** A UDP server that counts its questions and says what it is told to. */
async function startFake(ttlS = 10): Promise<FakeServer> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  const fake: FakeServer = {
    address: { host: "127.0.0.1", port: socket.address().port },
    questions: 0,
    answer: "127.0.1.1",
  };
  socket.on("message", (message, from) => {
    fake.questions += 1;
    if (fake.answer === "silent") return;
    const query = decode(message);
    const name = query.questions?.[0]?.name ?? "";
    const reply = encode({
      type: "response",
      id: query.id ?? 0,
      flags: fake.answer === null ? 3 : 0,
      questions: query.questions ?? [],
      answers: fake.answer === null ? [] : [{ type: "A", name, ttl: ttlS, data: fake.answer }],
    });
    socket.send(reply, from.port, from.address);
  });
  return fake;
}

function resolverOf(
  fake: FakeServer,
  clock: VirtualClock,
  changes: Partial<TtlResolverOptions> = {},
): TtlResolver {
  const random = new SeededRandom(1);
  return new TtlResolver({ server: fake.address, clock, random, timeoutMs: 2000, ...changes });
}

describe("the resolver", () => {
  test("asks once while the TTL lasts, and again when it is over", async () => {
    const [fake, clock] = [await startFake(10), new VirtualClock()];
    const resolver = resolverOf(fake, clock);
    const first = await resolver.resolve("shop.phoenix.test");
    expect(first).toEqual({
      address: "127.0.1.1",
      ttlMs: 10_000,
      expiresAtMs: clock.now() + 10_000,
    });
    fake.answer = "127.0.2.1";
    await clock.advance(9_999);
    expect(await resolver.resolve("SHOP.phoenix.test.")).toEqual(first);
    await clock.advance(1);
    expect(await resolver.resolve("shop.phoenix.test")).toMatchObject({ address: "127.0.2.1" });
    expect(fake.questions).toBe(2);
  });

  test("asks every time when the TTL is 0", async () => {
    const [fake, clock] = [await startFake(0), new VirtualClock()];
    const resolver = resolverOf(fake, clock);
    await resolver.resolve("shop.phoenix.test");
    await resolver.resolve("shop.phoenix.test");
    expect(fake.questions).toBe(2);
  });

  test("does not live longer because the clock was set back", async () => {
    const fake = await startFake(10);
    const clock = { nowMs: 1_000_000, now: () => clock.nowMs, sleep: () => Promise.resolve() };
    const random = new SeededRandom(1);
    const resolver = new TtlResolver({ server: fake.address, clock, random });
    await resolver.resolve("shop.phoenix.test");
    clock.nowMs -= 3_600_000;
    await resolver.resolve("shop.phoenix.test");
    expect(fake.questions).toBe(2);
  });

  test("puts one question for many askers", async () => {
    const [fake, clock] = [await startFake(), new VirtualClock()];
    const resolver = resolverOf(fake, clock);
    await Promise.all(Array.from({ length: 20 }, () => resolver.resolve("shop.phoenix.test")));
    expect(fake.questions).toBe(1);
  });

  test("lets one asker leave without ending the question of the others", async () => {
    const [fake, clock] = [await startFake(), new VirtualClock()];
    const resolver = resolverOf(fake, clock);
    const leaving = new AbortController();
    const left = resolver.resolve("shop.phoenix.test", leaving.signal);
    const stays = resolver.resolve("shop.phoenix.test", NEVER);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: "ABORTED" });
    expect(await stays).toMatchObject({ address: "127.0.1.1" });
  });

  test("remembers a failure for the configured time, and never for more than a second", async () => {
    const [fake, clock] = [await startFake(), new VirtualClock()];
    fake.answer = null;
    const resolver = resolverOf(fake, clock, { failureTtlMs: 60_000 });
    await expect(resolver.resolve("shop.phoenix.test")).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    fake.answer = "127.0.1.1";
    await clock.advance(999);
    await expect(resolver.resolve("shop.phoenix.test")).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    await clock.advance(1);
    expect(await resolver.resolve("shop.phoenix.test")).toMatchObject({ address: "127.0.1.1" });
  });

  test("does not use an answer past its TTL when the server is silent", async () => {
    const [fake, clock] = [await startFake(1), new VirtualClock()];
    const resolver = resolverOf(fake, clock, { timeoutMs: 30 });
    await resolver.resolve("shop.phoenix.test");
    fake.answer = "silent";
    await clock.advance(1000);
    await expect(resolver.resolve("shop.phoenix.test")).rejects.toMatchObject({
      code: "UNREACHABLE",
      retryable: true,
    });
  });

  test("serves a stale answer only if told to, only so long, and not against a clear no", async () => {
    const [fake, clock] = [await startFake(1), new VirtualClock()];
    const resolver = resolverOf(fake, clock, { timeoutMs: 30, staleForMs: 5000, failureTtlMs: 0 });
    await resolver.resolve("shop.phoenix.test");
    fake.answer = "silent";
    await clock.advance(5999);
    expect(await resolver.resolve("shop.phoenix.test")).toMatchObject({ address: "127.0.1.1" });
    fake.answer = null;
    await expect(resolver.resolve("shop.phoenix.test")).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    fake.answer = "silent";
    await clock.advance(1);
    await expect(resolver.resolve("shop.phoenix.test")).rejects.toMatchObject({
      code: "UNREACHABLE",
    });
  });

  test("takes the shortest TTL along an alias", async () => {
    const world = await startWorld(undefined, [
      { name: "www.phoenix.test", type: "CNAME", ttlS: 300, data: "shop.phoenix.test" },
    ]);
    const server = { host: world.server.host, port: world.server.port };
    const { clock } = world;
    const resolver = new TtlResolver({ server, clock, random: new SeededRandom(1) });
    expect(await resolver.resolve("www.phoenix.test")).toMatchObject({
      address: "127.0.1.1",
      ttlMs: 1000,
    });
  });
});
