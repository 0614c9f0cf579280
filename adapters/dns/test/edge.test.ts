import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { SeededRandom, VirtualClock } from "@cloudphoenix/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Edge, type EdgeOptions, startEdge } from "../src/edge.ts";
import { portOf } from "../src/port-of.ts";
import { TtlResolver } from "../src/ttl-resolver.ts";
import { NEVER, startWorld as openDns } from "./dns-world.ts";

const OLD = "127.0.1.1";
const NEW = "127.0.2.1";

/** An upstream on `host` that says its address for every line, except for `wait`. */
async function startUpstream(host: string, port: number): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (line: Buffer) => {
      if (line.toString().startsWith("wait")) server.emit("question");
      else socket.write(`${host}\n`);
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return server;
}

interface World {
  readonly edge: Edge;
  readonly clock: VirtualClock;
  readonly upstreams: readonly [Server, Server];
  /** What the name points to; null: nobody can say. */
  target: string | null;
}

async function startWorld(changes: Partial<EdgeOptions> = {}): Promise<World> {
  const first = await startUpstream(OLD, 0);
  const targetPort = portOf(first);
  const upstreams = [first, await startUpstream(NEW, targetPort)] as const;
  const clock = new VirtualClock();
  const state = { target: OLD as string | null };
  const edge = await startEdge({
    host: "127.0.0.1",
    port: 0,
    name: "shop.phoenix.test",
    targetPort,
    clock,
    resolver: {
      resolve: async () => {
        if (state.target === null) {
          throw new CloudPhoenixError("UNREACHABLE", "no DNS", { retryable: true });
        }
        return { address: state.target, ttlMs: 0, expiresAtMs: 0 };
      },
    },
    ...changes,
  });
  onTestFinished(() => edge.close());
  return Object.assign(state, { edge, clock, upstreams });
}

interface Client {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  say(line: string): Promise<string>;
}

async function join(world: World): Promise<Client> {
  const socket = connect(world.edge.port, world.edge.host);
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  const say = async (line: string): Promise<string> => {
    const heard = once(socket, "data");
    socket.write(`${line}\n`);
    const [data]: unknown[] = await heard;
    return String(data).trim();
  };
  return { socket, closed, say };
}

/** Lets virtual time pass in small steps until `promise` settles; real sockets get their turn. */
async function passUntil<T>(world: World, promise: Promise<T>): Promise<T> {
  const state = { settled: false };
  const done = promise.finally(() => {
    state.settled = true;
  });
  while (!state.settled) await world.clock.advance(25);
  return done;
}

describe("the edge", () => {
  test("takes new connections to where the name points now", async () => {
    const world = await startWorld();
    expect(await (await join(world)).say("hello")).toBe(OLD);
    world.target = NEW;
    expect(await (await join(world)).say("hello")).toBe(NEW);
    expect(world.edge.connections()).toEqual({ [OLD]: 1, [NEW]: 1 });
  });

  test("closes an idle connection to the old address once the answer changes", async () => {
    const world = await startWorld();
    const client = await join(world);
    await client.say("hello");
    world.target = NEW;
    const movedAtMs = world.clock.now();
    await passUntil(world, client.closed);
    // Long before the age limit: one sweep to notice, one to find it quiet.
    expect(world.clock.now() - movedAtMs).toBeLessThan(1000);
    expect(world.edge.connections()).toEqual({});
  });

  test("leaves a connection alone while it waits for an answer, until the drain time is over", async () => {
    const world = await startWorld({ drainMs: 1000 });
    const client = await join(world);
    await client.say("hello");
    const seen = once(world.upstreams[0], "question");
    client.socket.write("wait\n");
    // The edge has carried the question before any time passes.
    await seen;
    world.target = NEW;
    await world.clock.advance(900);
    expect(world.edge.connections()).toEqual({ [OLD]: 1 });
    await passUntil(world, client.closed);
  });

  test("keeps connections of the current address open", async () => {
    const world = await startWorld();
    const client = await join(world);
    await client.say("hello");
    await world.clock.advance(10_000);
    expect(await client.say("still there?")).toBe(OLD);
  });

  test("lets nobody stay for ever: at the age limit a quiet connection is closed", async () => {
    const world = await startWorld({ ageMaxMs: 5000 });
    const client = await join(world);
    await client.say("hello");
    await world.clock.advance(4900);
    expect(await client.say("hello")).toBe(OLD);
    await passUntil(world, client.closed);
  });

  test("moves nobody because DNS is silent, and turns new clients away", async () => {
    const world = await startWorld();
    const client = await join(world);
    await client.say("hello");
    world.target = null;
    await world.clock.advance(3000);
    expect(await client.say("still there?")).toBe(OLD);
    const late = await join(world);
    await late.closed;
  });

  test("ends the client when nothing listens behind the name", async () => {
    const world = await startWorld({ targetPort: 1 });
    const client = await join(world);
    await client.closed;
    expect(world.edge.connections()).toEqual({});
  });

  test("passes the end of one direction on and the rest of the other", async () => {
    const world = await startWorld();
    const client = await join(world);
    const heard = once(client.socket, "data");
    client.socket.end("bye\n");
    const [data]: unknown[] = await heard;
    expect(String(data).trim()).toBe(OLD);
    await client.closed;
  });

  test("follows a switched record as soon as its TTL is over, and not before", async () => {
    const dns = await openDns();
    const clock = dns.clock;
    const resolver = new TtlResolver({
      server: { host: dns.server.host, port: dns.server.port },
      clock,
      random: new SeededRandom(1),
    });
    const world = await startWorld({ resolver, clock });
    const before = await join(world);
    expect(await before.say("hello")).toBe(OLD);
    await dns.trafficSwitch().switchTo("azure-westeurope", 2, NEVER);
    expect(await (await join(world)).say("within the TTL")).toBe(OLD);
    await clock.advance(1000);
    expect(await (await join(world)).say("after it")).toBe(NEW);
    await passUntil({ ...world, clock }, before.closed);
    expect(world.edge.connections()).toEqual({ [NEW]: 1 });
  });

  test("refuses a taken port by name, and closes twice without harm", async () => {
    const world = await startWorld();
    await expect(startWorld({ port: world.edge.port })).rejects.toMatchObject({
      code: "PORT_TAKEN",
    });
    await world.edge.close();
    await world.edge.close();
  });
});
