import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ByteBudget,
  copyObject,
  DEFAULT_RETRIES,
  type ObjectStore,
  withRetries,
  verifyObjects,
} from "@cloudphoenix/objects";
import { MemoryObjectStore } from "@cloudphoenix/testkit";
import { hurriedSurroundings, placeOf, toolsFor, UNENDING } from "./setup.ts";

/** At 1 Mbit/s these take a second. */
const BYTES = 128_000;
const RETRIES = { ...DEFAULT_RETRIES, attempts: 1, attemptLimitMs: 500 };
const REQUEST = { sourceKey: "k", targetKey: "k" };

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

type BodyCall = "readWhole" | "write" | "read" | "uploadPart";

/** A store of which one call takes so long. */
function slow(store: MemoryObjectStore, call: BodyCall, takesMs: number): ObjectStore {
  const late = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, takesMs);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(new Error("ended"));
      });
    });
  return new Proxy(store, {
    get: (from, name) => {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== "function") return value;
      if (name !== call) return value.bind(from) as unknown;
      if (name === "read") {
        return async function* read(...given: Parameters<ObjectStore["read"]>) {
          await late(given[1]);
          yield* from.read(...given);
        };
      }
      return async (...given: readonly unknown[]) => {
        await late(given.at(-1) as AbortSignal);
        return value.apply(from, given) as unknown;
      };
    },
  });
}

async function after(work: Promise<unknown>): Promise<unknown> {
  const settled = work.catch((error: unknown) => error).then((outcome) => ({ outcome }));
  for (;;) {
    await vi.advanceTimersByTimeAsync(100);
    // What is really asynchronous gets on meanwhile.
    const turn = new Promise<null>((resolve) => setImmediate(() => resolve(null)));
    const done = await Promise.race([settled, turn]);
    if (done !== null) return done.outcome;
  }
}

/** Work of a minute that ends when it is told to. */
async function aMinute(signal: AbortSignal): Promise<string> {
  await new Promise((resolve, reject) => {
    setTimeout(resolve, 60_000);
    signal.addEventListener("abort", () => reject(new Error("ended")));
  });
  return "read";
}

describe("one attempt", () => {
  const wholes = { wholeMaxBytes: BYTES, partBytes: BYTES, partsInFlight: 1 };
  const parts = { ...wholes, wholeMaxBytes: 1 };
  const calls = [
    ["readWhole", "source", wholes],
    ["write", "target", wholes],
    ["read", "source", parts],
    ["uploadPart", "target", parts],
  ] as const;

  test.each(calls)("of %s has the time that its bytes need on a slow link", async (...given) => {
    expect(await copiedIn(1_400, ...given)).toMatchObject({ kind: "copied" });
  });

  test.each(calls)("of %s ends when it takes longer than that", async (...given) => {
    expect(await copiedIn(1_600, ...given)).toMatchObject({
      code: "OBJECT_STORE_UNREACHABLE",
      message: "no answer within 2 s",
    });
  });

  test("of reading an object to verify it has that time, too", async () => {
    const source = new MemoryObjectStore();
    const target = new MemoryObjectStore();
    for (const store of [source, target]) store.put("k", Buffer.alloc(BYTES));

    const summary = await after(
      verifyObjects({
        source: placeOf(slow(source, "read", 1_400)),
        target: placeOf(target),
        surroundings: hurriedSurroundings(),
        signal: UNENDING,
        readEverything: true,
        retries: RETRIES,
      }),
    );

    expect(summary).toMatchObject({ outcome: "same", progress: { compared: 1 } });
  });

  test("of an object of a TiB is not over before it has begun", async () => {
    const options = { surroundings: hurriedSurroundings(), policy: RETRIES, signal: UNENDING };

    const ended = after(withRetries(aMinute, { ...options, bytes: 1024 ** 4 }));

    expect(await ended).toBe("read");
  });

  // oxlint-disable-next-line max-params -- a row of the table above, behind the time
  function copiedIn(
    takesMs: number,
    call: BodyCall,
    side: "source" | "target",
    sizes: typeof wholes,
  ): Promise<unknown> {
    const source = new MemoryObjectStore();
    const target = new MemoryObjectStore();
    source.put("k", Buffer.alloc(BYTES));
    const tools = toolsFor(
      side === "source" ? slow(source, call, takesMs) : source,
      side === "target" ? slow(target, call, takesMs) : target,
      { sizes, retries: RETRIES, memory: new ByteBudget(BYTES) },
    );
    return after(copyObject(REQUEST, tools, UNENDING));
  }
});
