/** What happens at a site that was left to objects that S3 got in parts: their time tells nothing. */
import { copierMemoryKey, partingOf, stampOf, writeCanary } from "@cloudphoenix/objects";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { CopyWorld } from "./copy-world.ts";

const NEVER = new AbortController().signal;
const MINUTE = 60_000;
const DELETES = { delayMs: 5 * MINUTE, maxPercent: 100, maxCount: 100 };
let world: CopyWorld;
let beganMs: number;

beforeEach(async () => {
  // The standby is the site that was left.
  world = new CopyWorld({ source: { flavour: "blob" }, target: { flavour: "s3" } });
  beganMs = world.clock.now();
  const canary = { writtenMs: beganMs, site: "site-b", generation: 6 };
  await writeCanary({ store: world.target, prefix: "" }, canary, NEVER);
  world.source.put("other", "1");
});

afterEach(async () => {
  await world.stopAll();
});

/** A copier that knows what was copied from the site that was left until an hour after the beginning. */
async function returning(): Promise<ReturnType<CopyWorld["copier"]>> {
  await world.clock.advance(60 * MINUTE);
  const copied = { untilMs: world.clock.now(), except: [] };
  const facts = { from: "site-b", to: "site-a", backlogAgeMs: 0, failures: [] };
  const memory = { facts, copied, deletes: [] };
  const mayReplace = await partingOf(
    {
      application: "shop",
      copiedVersions: world.copiedVersions,
      site: "site-b",
      followedBy: "site-a",
      place: { store: world.target, prefix: "" },
      facts: {
        get: async (key) => (key === copierMemoryKey("shop", "site-a") ? memory : null),
        put: async () => undefined,
      },
    },
    NEVER,
  );
  return world.copier({ limits: { deletes: DELETES }, more: { mayReplace } });
}

/** At the active site it is a copy of that version. */
async function putAtBoth(name: string, content: string): Promise<void> {
  const { etag } = await world.target.putInParts(name, [Buffer.from(content)], beganMs);
  const stamp = stampOf({ etag, md5: null }, name);
  world.source.put(name, content, { stamp });
}

describe("an object in parts at a site that was left", () => {
  test("that was put together after the last copy, from an upload begun before, is not replaced", async () => {
    const copier = await returning();
    await world.target.putInParts("film", [Buffer.from("exists nowhere else")], beganMs);
    world.source.put("film", "of the active site");
    world.start(copier);
    await world.clock.advance(2 * MINUTE);
    expect(world.textAt("film")).toBe("exists nowhere else");
    expect(copier.facts().failures).toMatchObject([{ key: "film", code: "CONFLICT" }]);
  });

  test("that was put together then and that the active site lacks is not deleted", async () => {
    const copier = await returning();
    await world.target.putInParts("video", [Buffer.from("exists nowhere else")], beganMs);
    world.start(copier);
    await world.clock.advance(20 * MINUTE);
    expect(world.textAt("video")).toBe("exists nowhere else");
    expect(copier.facts()).toMatchObject({ deleted: 0, failures: [{ key: "video" }] });
  });

  test("that both sides had gives way when the active site replaces or deletes it", async () => {
    await putAtBoth("video", "copied");
    await putAtBoth("film", "copied, too");
    const copier = await returning();
    world.start(copier);
    await world.clock.advance(2 * MINUTE);
    expect(copier.facts()).toMatchObject({ pending: 0, failed: 0 });
    world.source.put("video", "replaced");
    world.source.remove("film");
    await world.clock.advance(20 * MINUTE);
    expect(world.textAt("video")).toBe("replaced");
    expect(world.textAt("film")).toBeNull();
    expect(copier.facts().failures).toEqual([]);
  });
});
