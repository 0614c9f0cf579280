/** Failures that a whole store may have, or one object: when a person is asked, and when the age grows. */
import { CloudPhoenixError, type ErrorCode } from "@cloudphoenix/core";
import type { FaultHook } from "@cloudphoenix/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContinuousCopy } from "../../src/index.ts";
import { CopyWorld } from "./copy-world.ts";

const MINUTE = 60_000;
let world: CopyWorld;

beforeEach(() => {
  world = new CopyWorld();
});

afterEach(async () => {
  await world.stopAll();
});

/** Fails reading, or writing, the keys with `code` as long as it answers true. */
function failing(
  call: "readWhole" | "write",
  code: ErrorCode,
  keys: (key: string) => boolean,
): FaultHook {
  return (asked, key) => {
    if (asked !== call || !keys(key)) return "none";
    throw new CloudPhoenixError(code, `${key} cannot be had`, {
      retryable: code === "OBJECT_CORRUPT",
    });
  };
}

/** Lets the time pass while the canary's events come, and a moment more if something is being tried. */
async function pass(minutes: number, copier: ContinuousCopy): Promise<void> {
  const untilMs = world.clock.now() + minutes * MINUTE;
  while (world.clock.now() < untilMs) {
    world.hint(".cloudphoenix/canary");
    await world.clock.advance(5_000);
    copier.facts();
  }
  await world.clock.advance(1_000);
}

describe("one object that fails again and again while others are copied", () => {
  test.each([
    ["may not be read", { sourceFaults: failing("readWhole", "OBJECT_STORE_DENIED", isK3) }],
    ["may not be written", { targetFaults: failing("write", "OBJECT_STORE_DENIED", isK3) }],
    ["arrives with other bytes", { sourceFaults: failing("readWhole", "OBJECT_CORRUPT", isK3) }],
  ])("because it %s, needs a person, and the age goes on without it", async (_what, faults) => {
    for (let n = 0; n < 10; n += 1) world.source.put(`k${n}`, `v${n}`);
    const copier = world.copier(faults);
    world.start(copier);
    await pass(10, copier);
    const { failures, needPerson, backlogAgeMs, markMs, atMs } = copier.facts();
    expect(failures).toMatchObject([{ key: "k3", retried: false }]);
    expect(needPerson).toBe(1);
    expect(backlogAgeMs).toBeLessThan(10_000);
    expect(atMs - markMs!).toBeLessThan(2 * MINUTE);
    expect(copier.memory().copied).toMatchObject({ except: ["k3"] });
    const said = world.said.filter((line) => line.startsWith("k3 is not copied"));
    expect(said.map((line) => line.includes("needs a person"))).toEqual([false, true]);
  });

  test("is copied by itself once it can be", async () => {
    let denied = true;
    world.source.put("k3", "v3");
    const copier = world.copier({
      sourceFaults: failing("readWhole", "OBJECT_STORE_DENIED", (key) => denied && isK3(key)),
    });
    world.start(copier);
    await pass(5, copier);
    expect(copier.facts().needPerson).toBe(1);
    denied = false;
    await pass(2, copier);
    expect(world.textAt("k3")).toBe("v3");
    expect(copier.facts()).toMatchObject({ failed: 0, needPerson: 0 });
  });
});

describe("a store that denies everything", () => {
  test("is no matter of its objects: the age grows", async () => {
    for (let n = 0; n < 3; n += 1) world.source.put(`k${n}`, `v${n}`);
    let denied = false;
    const copier = world.copier({
      sourceFaults: failing("readWhole", "OBJECT_STORE_DENIED", () => denied),
    });
    world.start(copier);
    await pass(2, copier);
    denied = true;
    world.source.put("k3", "v3");
    world.hint("k3");
    await pass(10, copier);
    const { needPerson, backlogAgeMs } = copier.facts();
    expect(needPerson).toBe(0);
    expect(backlogAgeMs).toBeGreaterThan(9 * MINUTE);
  });

  test("but for some of them, is none either if they are many", async () => {
    for (let n = 0; n < 30; n += 1) world.source.put(`receipts/${n}`, `v${n}`);
    const copier = world.copier({
      sourceFaults: failing("readWhole", "OBJECT_STORE_DENIED", (key) => key.startsWith("rec")),
    });
    world.start(copier);
    await pass(10, copier);
    const { needPerson, failed, backlogAgeMs } = copier.facts();
    expect(failed).toBe(30);
    expect(needPerson).toBeLessThanOrEqual(20);
    expect(backlogAgeMs).toBeGreaterThan(9 * MINUTE);
  });
});

function isK3(key: string): boolean {
  return key === "k3";
}
