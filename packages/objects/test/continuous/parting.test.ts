/** What a site that was left may lose to the one that is active now. */
import type { Json } from "@cloudphoenix/core";
import {
  type CopierMemory,
  copierMemoryKey,
  type KnownFacts,
  noteParting,
  partingOf,
  type PartingParts,
  readParting,
  writeCanary,
} from "@cloudphoenix/objects";
import { MemoryObjectStore } from "@cloudphoenix/testkit";
import { beforeEach, expect, test } from "vitest";

const AWS = "aws-us-east-1";
const AZURE = "azure-westeurope";

const NEVER = new AbortController().signal;
const MINUTE = 60_000;
let nowMs: number;
let stored: Map<string, Json>;
let store: MemoryObjectStore;
let parts: PartingParts;

beforeEach(async () => {
  nowMs = 100 * MINUTE;
  stored = new Map();
  store = new MemoryObjectStore({ now: () => nowMs });
  const facts: KnownFacts = {
    get: async (key) => stored.get(key) ?? null,
    put: async (key, value) => void stored.set(key, value),
  };
  parts = {
    application: "shop",
    facts,
    copiedVersions: { of: async () => [] },
    site: AWS,
    followedBy: AZURE,
    place: { store, prefix: "" },
  };
  await writeCanary(parts.place, { writtenMs: nowMs, site: AWS, generation: 1 }, NEVER);
});

/** What the follower of the other site knew last. */
function followed(copied: CopierMemory["copied"]): void {
  const memory = {
    facts: { from: AWS, to: AZURE, backlogAgeMs: 0, failures: [] },
    copied,
    deletes: [],
  };
  stored.set(copierMemoryKey("shop", AZURE), JSON.parse(JSON.stringify(memory)));
}

async function givesWay(...keys: readonly string[]): Promise<readonly boolean[]> {
  const may = await partingOf(parts, NEVER);
  const facts = await Promise.all(keys.map((key) => store.head(key, NEVER)));
  return facts.map((one) => may(one!));
}

test("what was copied gives way; what could not be, or came later, stays", async () => {
  store.put("copied", "1");
  store.put("archived, a name the other cloud refuses", "1");
  nowMs += MINUTE;
  const untilMs = nowMs;
  nowMs += MINUTE;
  store.put("later", "1");
  followed({ untilMs, except: ["archived, a name the other cloud refuses"] });
  const keys = ["copied", "archived, a name the other cloud refuses", "later"];
  expect(await givesWay(...keys)).toEqual([true, false, false]);
});

test("nothing gives way if nothing is known, or if an earlier release wrote it down", async () => {
  store.put("a", "1");
  nowMs += MINUTE;
  expect(await givesWay("a")).toEqual([false]);
  stored.set(`objects-parting:shop:${AWS}`, { untilMs: nowMs });
  stored.set(copierMemoryKey("shop", AZURE), { from: AWS, markMs: nowMs, backlogAgeMs: 0 });
  expect(await givesWay("a")).toEqual([false]);
});

test("the latest mark counts: what it does not leave out was copied after all", async () => {
  store.put("a", "1");
  nowMs += MINUTE;
  await noteParting(parts, { untilMs: nowMs, except: ["a"] }, NEVER);
  expect(await givesWay("a")).toEqual([false]);
  await noteParting(parts, { untilMs: nowMs + 1, except: [] }, NEVER);
  expect(await givesWay("a")).toEqual([true]);
});

test("an earlier mark takes nothing back, and what it leaves out stays all the same", async () => {
  store.put("a", "1");
  store.put("b", "1");
  nowMs += MINUTE;
  await noteParting(parts, { untilMs: nowMs, except: [] }, NEVER);
  await noteParting(parts, { untilMs: nowMs - 5 * MINUTE, except: ["b"] }, NEVER);
  expect(await givesWay("a", "b")).toEqual([true, false]);
});

test("an object that S3 got in parts stays, however old: its time is that of the beginning of its upload", async () => {
  await store.putInParts("video", [Buffer.from("put together after the mark")], nowMs);
  store.put("copied", "1");
  nowMs += MINUTE;
  followed({ untilMs: nowMs, except: [] });
  expect(await givesWay("video", "copied")).toEqual([false, true]);
});

test("a name is that below the prefix of the place", async () => {
  parts = { ...parts, place: { store, prefix: "app/" } };
  await writeCanary(parts.place, { writtenMs: nowMs, site: AWS, generation: 1 }, NEVER);
  store.put("app/a", "1");
  store.put("app/b", "1");
  nowMs += MINUTE;
  followed({ untilMs: nowMs, except: ["a"] });
  expect(await givesWay("app/a", "app/b")).toEqual([false, true]);
});

test("reading what was copied notes nothing", async () => {
  store.put("copied", "1");
  nowMs += MINUTE;
  followed({ untilMs: nowMs, except: [] });
  const before = new Map(stored);

  const wasCopied = await readParting(parts, NEVER);

  expect(wasCopied((await store.head("copied", NEVER))!)).toBe(true);
  expect(stored).toEqual(before);
});
