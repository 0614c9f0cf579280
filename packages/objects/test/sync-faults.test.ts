import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { verifyObjects } from "@cloudphoenix/objects";
import { FaultyObjectStore, type StoreCall } from "@cloudphoenix/testkit";
import { hurriedSurroundings, placeOf, UNENDING } from "./setup.ts";
import { ALL_MAY_GO, content, MINUTE_MS, setup } from "./sync-world.ts";

describe("whatever fails", () => {
  const CALLS: readonly StoreCall[] = [
    "list",
    "page",
    "head",
    "read",
    "readWhole",
    "write",
    "beginUpload",
    "uploadPart",
    "uploadedParts",
    "finishUpload",
    "abortUpload",
    "delete",
  ];

  test("no object is wrongly deleted, none is corrupt, and it converges once things calm down", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.double({ min: 0.01, max: 0.4, noNaN: true }),
        async (seed, rate) => {
          const { source, target, run, surroundings } = setup(3, seed);
          const random = hurriedSurroundings(seed + 1).random;
          const everStored = new Map<string, Set<string>>();
          const put = (key: string): void => {
            const bytes = Buffer.alloc(
              Math.floor(random.next() * 3_000),
              Math.floor(random.next() * 250),
            );
            source.put(key, bytes);
            everStored.set(key, (everStored.get(key) ?? new Set()).add(bytes.toString("hex")));
          };
          const touch = (): void => {
            const key = `o/${Math.floor(random.next() * 25)}`;
            if (random.next() < 0.25) source.remove(key);
            else put(key);
          };
          for (let index = 0; index < 25; index += 1) put(`o/${index}`);
          let calm = false;
          // A token that never arrived is known to nobody: the store's own clean-up ends such uploads.
          let strayUploads = 0;
          const hook = (call: StoreCall) => {
            if (calm || !CALLS.includes(call) || random.next() > rate) return "none" as const;
            if (random.next() < 0.3) touch();
            const fault = (["fail", "lose", "spoil"] as const)[Math.floor(random.next() * 3)]!;
            if (call === "beginUpload" && fault === "lose") strayUploads += 1;
            return fault;
          };
          const stores = {
            source: new FaultyObjectStore(source, hook),
            target: new FaultyObjectStore(target, hook),
          };
          const deletes = { ...ALL_MAY_GO, delayMs: MINUTE_MS };
          const check = (): void => {
            for (const key of target.keys()) {
              expect(everStored.get(key)?.has(target.bytesOf(key)!.toString("hex"))).toBe(true);
            }
          };
          const kept = new Set(target.keys());
          for (let round = 0; round < 4; round += 1) {
            surroundings.nowMs += 2 * MINUTE_MS;
            await run({ deletes }, stores);
            check();
            for (const key of target.keys()) kept.add(key);
            // What the source holds and the target has had is still there.
            for (const key of kept) if (source.bytesOf(key) === null) kept.delete(key);
            expect([...kept].filter((key) => target.bytesOf(key) === null)).toEqual([]);
            touch();
          }
          calm = true;
          for (const _ of [1, 2]) {
            surroundings.nowMs += 2 * MINUTE_MS;
            expect((await run({ deletes }, stores)).outcome).toBe("done");
          }
          expect(content(target)).toEqual(content(source));
          expect(target.openUploads).toBeLessThanOrEqual(strayUploads);
          const verified = await verifyObjects({
            source: placeOf(source),
            target: placeOf(target),
            surroundings,
            signal: UNENDING,
            readEverything: true,
          });
          expect(verified.outcome).toBe("same");
        },
      ),
      { numRuns: Number(process.env["OBJECTS_FAULT_RUNS"] ?? 60) },
    );
  }, 300_000);
});
