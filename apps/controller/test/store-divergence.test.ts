import { CloudPhoenixError, type Json } from "@cloudphoenix/core";
import type { DivergentObject } from "@cloudphoenix/engine";
import { copierMemoryKey, type ObjectStore, writeCanary } from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore, SeededRandom } from "@cloudphoenix/testkit";
import { beforeEach, describe, expect, test } from "vitest";
import { StoreDivergence } from "../src/objects/store-divergence.ts";

// Goal: an object that may exist nowhere else is told from one that the writer has deleted since, and a
// store that does not answer is named.

const A = "aws-us-east-1";
const B = "azure-westeurope";
const NEVER = new AbortController().signal;
const MINUTE = 60_000;
const clock = { now: () => 0, sleep: () => Promise.resolve() };

let nowMs: number;
let stored: Map<string, Json>;
let returned: MemoryObjectStore;
let writer: MemoryObjectStore;
let closed: number;

beforeEach(async () => {
  nowMs = 100 * MINUTE;
  stored = new Map();
  closed = 0;
  returned = new MemoryObjectStore({ flavour: "s3", now: () => nowMs });
  writer = new MemoryObjectStore({ flavour: "blob", now: () => nowMs });
  const canary = { writtenMs: nowMs, site: A, generation: 1 };
  await writeCanary({ store: returned, prefix: "app/" }, canary, NEVER);
});

/** What the follower knew last: everything until now was copied. */
function everythingCopied(): void {
  nowMs += MINUTE;
  const facts = { from: A, to: B, backlogAgeMs: 0, failures: [] };
  const copied = { untilMs: nowMs, except: [] };
  stored.set(copierMemoryKey("shop", B), { facts, copied, deletes: [] });
  nowMs += MINUTE;
}

async function compared(
  stores: Readonly<Record<string, ObjectStore>> = { [A]: returned, [B]: writer },
): Promise<readonly DivergentObject[]> {
  const divergence = new StoreDivergence({
    application: { name: "shop" },
    facts: { get: async (key) => stored.get(key) ?? null },
    copiedVersions: { of: async () => [] },
    clock,
    random: new SeededRandom(1),
    answerMs: 50,
    openPlace: async (site) => {
      const store = stores[site];
      if (store === undefined) throw new Error(`no store of ${site}`);
      const prefix = site === A ? "app/" : "";
      return { store, prefix, close: () => (closed += 1) };
    },
  });
  const found: DivergentObject[] = [];
  for await (const page of divergence.compare(A, B, NEVER)) found.push(...page.found);
  return found;
}

describe("comparing a returned site with the writer", () => {
  test("tells what may exist nowhere else from what the writer has changed since", async () => {
    returned.put("app/deleted since", "1");
    returned.put("app/replaced since", "1");
    returned.put("app/same", "1");
    everythingCopied();
    returned.put("app/never left", "22");
    returned.put("app/other there", "333");
    writer.put("replaced since", "new");
    writer.put("same", "1");
    writer.put("other there", "4444");

    const seen = await compared();

    expect(seen.map(({ key, kind }) => `${key}: ${kind}`)).toEqual([
      "deleted since: outdated",
      "never left: only-there",
      "other there: differs",
      "replaced since: outdated",
    ]);
    expect(seen[2]).toMatchObject({ sizeBytes: 3, modifiedMs: nowMs, writer: { sizeBytes: 4 } });
    expect(closed).toBe(2);
  });

  test("takes nothing for copied where nothing is known of a copy", async () => {
    returned.put("app/a", "1");
    nowMs += MINUTE;

    expect(await compared()).toMatchObject([{ key: "a", kind: "only-there" }]);
  });

  test.each([A, B])("names the site whose store does not answer: %s", async (site) => {
    const silent = new FaultyObjectStore(site === A ? returned : writer, () => "fail");

    const comparing = compared({ [A]: returned, [B]: writer, [site]: silent });

    await expect(comparing).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining(`the object store of ${site} cannot be asked`),
    });
    expect(closed).toBe(site === A ? 1 : 2);
  });

  test("does not wait for long for a store that hangs", async () => {
    const hanging = Object.create(returned, {
      head: {
        value: (_key: string, signal: AbortSignal) =>
          new Promise((_, reject) => {
            signal.addEventListener("abort", () => reject(new Error("hung up")), { once: true });
          }),
      },
    });

    await expect(compared({ [A]: hanging, [B]: writer })).rejects.toMatchObject({
      message: `the object store of ${A} cannot be asked: no answer within 0.05 s`,
    });
  });

  test("says so if a store stops answering half-way", async () => {
    const silent = new FaultyObjectStore(returned, (call) => (call === "page" ? "fail" : "none"));

    const error = await compared({ [A]: silent, [B]: writer }).catch((cause: unknown) => cause);

    expect(error).toBeInstanceOf(CloudPhoenixError);
    expect(error).toMatchObject({ code: "UNREACHABLE", retryable: true });
    expect(closed).toBe(2);
  });
});
