import { describe, expect, test } from "vitest";
import { copyObject, type ObjectProperties, readStamp } from "@cloudphoenix/objects";
import { MemoryObjectStore } from "@cloudphoenix/testkit";
import { REQUEST } from "./copy-fixture.ts";
import { toolsFor, UNENDING } from "./setup.ts";

/** A copy that is out of date. */
async function copied(flavour: "s3" | "blob"): Promise<{
  source: MemoryObjectStore;
  target: MemoryObjectStore;
  properties: ObjectProperties;
}> {
  const source = new MemoryObjectStore();
  const target = new MemoryObjectStore({ flavour });
  source.put("k", "first");
  await copyObject(REQUEST, toolsFor(source, target), UNENDING);
  source.put("k", "second");
  const { properties } = (await target.head("copy/k", UNENDING))!;
  return { source, target, properties };
}

describe("what is at the target under a key that was thought to be free", () => {
  const forKey = { ...REQUEST, target: null };
  test.each(["s3", "blob"] as const)(
    "is replaced if a copy left it there (%s)",
    async (flavour) => {
      const { source, target } = await copied(flavour);

      const outcome = await copyObject(forKey, toolsFor(source, target), UNENDING);

      expect(outcome.kind).toBe("copied");
      expect(target.bytesOf("copy/k")?.toString()).toBe("second");
    },
  );

  test.each(["s3", "blob"] as const)(
    "stays if somebody wrote other bytes and carried the stamp along (%s)",
    async (flavour) => {
      const { source, target, properties } = await copied(flavour);
      target.put("copy/k", "theirs", properties);

      const attempt = copyObject(forKey, toolsFor(source, target), UNENDING);

      await expect(attempt).rejects.toMatchObject({ code: "OBJECT_CHANGED", retryable: false });
      expect(target.bytesOf("copy/k")?.toString()).toBe("theirs");
    },
  );

  test("stays if it is a copy that was renamed to this key within the target", async () => {
    const { source, target, properties } = await copied("blob");
    target.put("copy/other", "first", properties);
    source.put("other", "of the source");
    const request = { sourceKey: "other", targetKey: "copy/other", target: null };

    const attempt = copyObject(request, toolsFor(source, target), UNENDING);

    await expect(attempt).rejects.toMatchObject({ code: "OBJECT_CHANGED", retryable: false });
    expect(target.bytesOf("copy/other")?.toString()).toBe("first");
  });

  test("is replaced under a stamp of an older version, which names no key", async () => {
    const { source, target, properties } = await copied("blob");
    const { etag, md5: bytesMd5 } = readStamp(properties.stamp)!;
    target.put("copy/k", "first", { ...properties, stamp: `v1/${etag}/${bytesMd5}` });

    const outcome = await copyObject(forKey, toolsFor(source, target), UNENDING);

    expect(outcome.kind).toBe("copied");
  });
});
