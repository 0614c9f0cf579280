import { describe, expect, test } from "vitest";
import { VirtualClock } from "@cloudphoenix/testkit";
import { awaitTask, MemoryWorkQueue, type Task } from "../src/index.ts";

const NEVER = new AbortController().signal;
const ASKED = { applications: ["shop"], kinds: ["copy"], holder: "host/1", claimMs: 10_000 };

describe("waiting for a task", () => {
  const clock = new VirtualClock();
  const queue = new MemoryWorkQueue(clock);
  let number = 0;

  async function enqueued(): Promise<Task> {
    number += 1;
    return queue.enqueue({ application: "shop", kind: "copy", key: `t${number}`, payload: null });
  }

  function waited(id: string, limitMs = 5_000): Promise<unknown> {
    const wait = { queue, clock, limitMs, signal: NEVER };
    // Failures are looked at after time has passed.
    return awaitTask(id, wait).catch((error: unknown) => error);
  }

  test("ends with the result as soon as a worker is done", async () => {
    const { id } = await enqueued();
    const waiting = waited(id);
    await clock.advance(1_000);
    const found = await queue.claim(ASKED);
    await queue.finish(found!.claim, { copied: 4 });
    await clock.advance(200);
    expect(await waiting).toMatchObject({ result: { copied: 4 } });
  });

  test("ends at its limit and says that no worker took it", async () => {
    const { id } = await enqueued();
    const waiting = waited(id);
    await clock.advance(5_000);
    const error = { code: "TIMED_OUT", message: "copy is waiting for a worker" };
    expect(await waiting).toMatchObject(error);
    await queue.cancel(id);
  });

  test("ends at once when the task was set aside, with the reason", async () => {
    const { id } = await enqueued();
    const waiting = waited(id);
    const found = await queue.claim(ASKED);
    await queue.fail(found!.claim, { code: "OBJECT_STORE_DENIED", message: "no right" }, null);
    await clock.advance(200);
    const message = "copy was set aside after 1 attempts: no right";
    expect(await waiting).toMatchObject({ code: "CONFLICT", message });
  });
});
