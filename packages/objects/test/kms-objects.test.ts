import { describe, expect, test } from "vitest";
import { type ObjectStore, verifyObjects } from "@cloudphoenix/objects";
import { MemoryObjectStore } from "@cloudphoenix/testkit";
import { hurriedSurroundings, placeOf, UNENDING } from "./setup.ts";
import { setup } from "./sync-world.ts";

describe("an object under KMS in a bucket without", () => {
  test.each([
    ["small", 50],
    ["large", 4_321],
  ])("is copied, %s, and then found to be there", async (_size, length) => {
    const { source, target, run } = setup();
    source.putUnderKms("k", Buffer.alloc(length, 7));

    const first = await run();
    const second = await run();

    expect(first).toMatchObject({ outcome: "done", progress: { copied: 1, failed: 0 } });
    expect(target.bytesOf("k")).toEqual(source.bytesOf("k"));
    expect(second).toMatchObject({ outcome: "done", progress: { same: 1, copied: 0 } });
  });

  test("is not copied again and again to a bucket whose listing tells no stamp", async () => {
    const { source, run } = setup();
    const target = new MemoryObjectStore({ flavour: "s3" });
    source.putUnderKms("k", "encrypted");

    await run({}, { target });
    const second = await run({}, { target });

    expect(second.progress).toMatchObject({ copied: 0, alreadyThere: 1 });
  });

  test.each(["source", "target"] as const)(
    "is compared by its bytes, not by an ETag that looks like an MD5 (at the %s)",
    async (side) => {
      const encrypted = new MemoryObjectStore();
      const plain = new MemoryObjectStore();
      encrypted.putUnderKms("same", "1");
      plain.put("same", "1");
      encrypted.putUnderKms("other", "2");
      plain.put("other", "3");

      const [source, target] = side === "source" ? [encrypted, plain] : [plain, encrypted];
      const summary = await verified(source, target);

      expect(summary.differences).toMatchObject([{ name: "other", what: "content" }]);
      expect(summary.progress.compared).toBe(2);
    },
  );
});

function verified(source: ObjectStore, target: ObjectStore): ReturnType<typeof verifyObjects> {
  return verifyObjects({
    source: placeOf(source),
    target: placeOf(target),
    surroundings: hurriedSurroundings(),
    signal: UNENDING,
  });
}
