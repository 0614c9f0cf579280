/** A canary that is long on its way must not make the store's clock look ahead: what nobody copied would seem copied. */
import { type ObjectStore, partingOf, type PartingParts } from "@cloudphoenix/objects";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copierMemoryKey } from "../../src/continuous/parting.ts";
import { CopyWorld } from "./copy-world.ts";

const NEVER = new AbortController().signal;
let world: CopyWorld;
let canaryTakesMs: number;

beforeEach(() => {
  world = new CopyWorld({ source: { flavour: "blob" } });
  canaryTakesMs = 0;
});

afterEach(async () => {
  await world.stopAll();
});

/** The active store, which dates what it stores when it has all of it. */
function slowStore(): ObjectStore {
  const { source } = world;
  const write: ObjectStore["write"] = async (request, body, signal) => {
    if (canaryTakesMs > 0) await world.clock.sleep(canaryTakesMs, signal);
    return source.write(request, body, signal);
  };
  return new Proxy(source, {
    get: (from, name) => {
      if (name === "write") return write;
      const value: unknown = Reflect.get(from, name, from);
      return typeof value === "function" ? (value.bind(from) as unknown) : value;
    },
  });
}

function partsKnowing(memory: unknown): PartingParts {
  return {
    application: "shop",
    site: "site-a",
    followedBy: "site-b",
    place: { store: world.source, prefix: "" },
    copiedVersions: { of: async () => [] },
    facts: {
      get: async (key) =>
        key === copierMemoryKey("shop", "site-b") ? JSON.parse(JSON.stringify(memory)) : null,
      put: async () => undefined,
    },
  };
}

test.each([
  ["once the way became slow", 0],
  ["from the beginning", 9_000],
])("what was stored after the mark stays, %s", async (_when, atFirstMs) => {
  canaryTakesMs = atFirstMs;
  world.source.put("copied", "1");
  const copier = world.copier({ more: { source: { store: slowStore(), prefix: "" } } });
  const running = world.start(copier);
  await world.clock.advance(30_000);
  canaryTakesMs = 9_000;
  await world.clock.advance(60_000);
  const memory = copier.memory();
  const { untilMs } = memory.copied!;
  await world.clock.advance(Math.max(0, untilMs + 4_000 - world.clock.now()));
  await running.stop();
  world.source.put("only here", "nobody copied it");

  const givesWay = await partingOf(partsKnowing(memory), NEVER);

  const onlyHere = (await world.source.head("only here", NEVER))!;
  expect(givesWay({ ...onlyHere, modifiedMs: untilMs + 4_000 })).toBe(false);
  const copied = (await world.source.head("copied", NEVER))!;
  // Without a prompt canary nothing is known of the store's clock, and nothing gives way for its age.
  expect(givesWay(copied)).toBe(atFirstMs === 0);
});
