// "Dependency killed, slowed (5 s), refused, silent, restarted under load: answers stay within deadline,
// recovers by itself within 2 s of the dependency", timed, with a real PostgreSQL behind a way that is
// disturbed. What is promised: an answer within the time for a connection, the limit of a statement and
// half a second; an order placed within two seconds of the database being back. A busy machine may add
// `SLACK_MS` to each of them.
import { setTimeout as pause } from "node:timers/promises";
import type { RunningService } from "@cloudphoenix/chassis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Way } from "../../../packages/chassis/test/storage-world.ts";
import { eventually, openWorld, place, serve, type World } from "./orders-world.ts";

const CONNECT_MS = 1_000;
const STATEMENT_MS = 400;
const ABANDON_MS = 500;
const BACK_MS = 2_000;
const SLACK_MS = 2_000;
/** Less than the five seconds by which a slow way delays every answer. */
const ANSWER_MS = CONNECT_MS + STATEMENT_MS + ABANDON_MS + SLACK_MS;
/** Longer than any answer may take, so that every client sees the disturbance. */
const DISTURBED_MS = ANSWER_MS + 100;
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
  "%s: every answer is in time, and orders are placed again soon",
  async (_name, disturb, restore) => {
    const load = startLoad(service.url);
    try {
      await eventually(
        async () => load.placedMs.length,
        (placed) => placed > 20,
      );
      await disturb();
      await pause(DISTURBED_MS);
      const failures = load.failures;
      await restore();
      const backMs = performance.now();
      await eventually(
        async () => load.placedMs.at(-1) ?? 0,
        (lastMs) => lastMs > backMs,
      );

      expect(failures).toBeGreaterThan(0);
      const firstMs =
        load.placedMs.find((placedMs) => placedMs > backMs) ?? Number.POSITIVE_INFINITY;
      expect(firstMs - backMs).toBeLessThan(BACK_MS + SLACK_MS);
    } finally {
      await load.stop();
    }
    expect(load.slowestMs).toBeLessThan(ANSWER_MS);
    expect([...load.codes].filter((code) => code === "INTERNAL")).toEqual([]);
  },
  60_000,
);

interface Load {
  /** When orders were acknowledged. */
  readonly placedMs: readonly number[];
  readonly failures: number;
  readonly slowestMs: number;
  readonly codes: ReadonlySet<string>;
  stop(): Promise<void>;
}

/** Clients that place one order after another. */
function startLoad(url: string): Load {
  const seen = {
    placedMs: new Array<number>(),
    failures: 0,
    slowestMs: 0,
    codes: new Set<string>(),
  };
  const stopped = new AbortController();
  const client = async (id: number): Promise<void> => {
    for (let n = 0; !stopped.signal.aborted; n += 1) {
      const askedMs = performance.now();
      const { status, body } = await place(url, `timed-${id}-${n}`);
      const answeredMs = performance.now();
      seen.slowestMs = Math.max(seen.slowestMs, answeredMs - askedMs);
      if (status < 300) seen.placedMs.push(answeredMs);
      else {
        seen.failures += 1;
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
