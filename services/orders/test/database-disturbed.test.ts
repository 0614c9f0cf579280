// "Dependency killed, slowed (5 s), refused, silent, restarted under load: answers stay within deadline,
// recovers by itself", with a real PostgreSQL behind a way that is disturbed. Without its limits the
// service would answer late, with an order, or never; with them every client is told to come again while
// the disturbance lasts, and orders are placed once it is over. No time is claimed: that is the machine's.
import { setTimeout as pause } from "node:timers/promises";
import type { RunningService } from "@cloudphoenix/chassis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Way } from "../../../packages/chassis/test/storage-world.ts";
import { eventually, openWorld, place, serve, type World } from "./orders-world.ts";

/** Far less than the five seconds by which a slow way delays every answer. */
const STATEMENT_MS = 400;
const CLIENTS = 4;

let world: World;
let way: Way;
let service: RunningService & { readonly url: string };

beforeEach(async () => {
  world = await openWorld();
  way = await Way.to(Number(new URL(world.server.url("app")).port));
  service = await serve(world, {
    DATABASE_URL: `postgresql://app@127.0.0.1:${way.port}/app`,
    DATABASE_STATEMENT_TIMEOUT_MS: String(STATEMENT_MS),
    // What ends a wait is the limit of a connection or of a statement, not that of the request.
    ANSWER_TIMEOUT_MS: "300000",
  });
});

afterEach(async () => {
  await service.drain();
  await way.close();
  await world.close();
});

const DISTURBANCES: readonly (readonly [string, () => Promise<void>, () => Promise<void>])[] = [
  ["slowed by 5 s, on its connections", async () => way.turn("slow"), () => way.set("open")],
  ["slowed by 5 s, on new connections", () => way.set("slow"), () => way.set("open")],
  ["refused", () => way.set("refused"), () => way.set("open")],
  ["silent, on its connections", async () => way.turn("silent"), () => way.set("open")],
  ["silent, on new connections", () => way.set("silent"), () => way.set("open")],
  ["killed and restarted", () => world.server.killHard(), () => world.server.start()],
];

test.each(DISTURBANCES)(
  "%s: everybody is answered meanwhile, and orders are placed again",
  async (_name, disturb, restore) => {
    const load = startLoad(service.url);
    try {
      await eventually(
        async () => load.placed,
        (placed) => placed > 20,
      );
      await disturb();
      const before = [...load.failures];
      await eventually(
        async () => load.failures.map((failures, id) => failures - (before[id] ?? 0)),
        (since) => since.every((failures) => failures > 0),
      );
      await restore();
      const placed = load.placed;
      await eventually(
        async () => load.placed,
        (now) => now > placed + CLIENTS,
      );
    } finally {
      await load.stop();
    }
    expect([...load.codes].filter((code) => code === "INTERNAL")).toEqual([]);
  },
  60_000,
);

interface Load {
  /** Orders that were acknowledged. */
  readonly placed: number;
  /** Answers of each client that were something else. */
  readonly failures: readonly number[];
  readonly codes: ReadonlySet<string>;
  stop(): Promise<void>;
}

/** Clients that place one order after another. */
function startLoad(url: string): Load {
  const seen = {
    placed: 0,
    failures: Array.from({ length: CLIENTS }, () => 0),
    codes: new Set<string>(),
  };
  const stopped = new AbortController();
  const client = async (id: number): Promise<void> => {
    for (let n = 0; !stopped.signal.aborted; n += 1) {
      const { status, body } = await place(url, `disturbed-${id}-${n}`);
      if (status < 300) seen.placed += 1;
      else {
        seen.failures[id] = (seen.failures[id] ?? 0) + 1;
        seen.codes.add(String(body["code"]));
        await pause(20);
      }
    }
  };
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, id) => client(id)));
  return Object.assign(seen, {
    stop: async () => {
      stopped.abort();
      await clients;
    },
  });
}
