/** What every work queue must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import {
  type ClaimedTask,
  type NewTask,
  TASK_JSON_MAX_BYTES,
  type WorkQueue,
} from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

export interface WorkQueueHarness {
  readonly queue: WorkQueue;
  /** Another process with the same queue. */
  readonly another: WorkQueue;
  /** Lets this much time pass for everything that waits or is claimed. */
  pass(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export interface WorkQueueContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  /** A queue without tasks. */
  readonly setup: () => Promise<WorkQueueHarness>;
}

const CLAIM_MS = 10_000;
const FAILURE = { code: "UNREACHABLE", message: "nobody answers" };
const ASKED = { applications: ["shop"], kinds: ["copy"], holder: "host/1", claimMs: CLAIM_MS };

/** Declares the suite for one implementation. */
export function describeWorkQueue({ name, setup }: WorkQueueContract): void {
  describe(`work queue ${name}`, () => {
    let harness: WorkQueueHarness;
    let queue: WorkQueue;

    beforeEach(async () => {
      harness = await setup();
      queue = harness.queue;
    });

    afterEach(async () => {
      await harness.stop();
    });

    /** Claims what must be there. */
    async function claimed(from: WorkQueue = queue, more = {}): Promise<ClaimedTask> {
      const found = await from.claim({ ...ASKED, ...more });
      if (found === null) throw new Error("there is nothing to claim");
      return found;
    }

    test("hands a task with its payload to one worker only, and keeps its result", async () => {
      const { id } = await queue.enqueue(task("a", { payload: { after: "\0é😀", upTo: null } }));
      const { task: seen, payload, claim } = await claimed();
      expect(seen).toMatchObject({ id, status: "claimed", attempts: 1, holder: "host/1" });
      expect(payload).toEqual({ after: "\0é😀", upTo: null });
      expect(await harness.another.claim(ASKED)).toBeNull();
      await queue.finish(claim, { copied: 3 });
      const done = { status: "done", result: { copied: 3 }, failure: null };
      expect(await harness.another.read(id)).toMatchObject(done);
    });

    test("takes a key once, also after its task has ended", async () => {
      const first = await queue.enqueue(task("a"));
      expect(await harness.another.enqueue(task("a", { payload: "other" }))).toEqual(first);
      const { claim, payload } = await claimed();
      expect(payload).toEqual({ key: "a" });
      await queue.finish(claim, 1);
      const again = await queue.enqueue(task("a"));
      expect(again).toMatchObject({ id: first.id, status: "done", result: 1 });
      expect(await queue.claim(ASKED)).toBeNull();
      const elsewhere = await queue.enqueue(task("a", { application: "bank" }));
      expect(elsewhere.id).not.toBe(first.id);
    });

    test("gives every task to exactly one of many workers that ask at once", async () => {
      for (let n = 0; n < 20; n += 1) await queue.enqueue(task(`t${n}`));
      const asked = Array.from({ length: 30 }, (_, n) =>
        (n % 2 === 0 ? queue : harness.another).claim(ASKED),
      );
      const ids = (await Promise.all(asked)).flatMap((found) => found?.task.id ?? []);
      expect(new Set(ids).size).toBe(ids.length);
      while ((await queue.claim(ASKED)) !== null) ids.push("");
      expect(ids).toHaveLength(20);
    });

    test("serves the urgent first, then the old, and only kinds that were asked for", async () => {
      await queue.enqueue(task("old"));
      await queue.enqueue(task("new"));
      await queue.enqueue(task("urgent", { urgency: 5 }));
      await queue.enqueue(task("other", { kind: "follow", urgency: 9 }));
      const order = [await claimed(), await claimed(), await claimed()];
      expect(order.map((one) => one.task.key)).toEqual(["urgent", "old", "new"]);
      expect(await queue.claim(ASKED)).toBeNull();
    });

    test("shares workers among applications, whoever has more waiting", async () => {
      for (let n = 0; n < 5; n += 1) await queue.enqueue(task(`s${n}`));
      for (let n = 0; n < 2; n += 1) await queue.enqueue(task(`b${n}`, { application: "bank" }));
      const both = { applications: ["shop", "bank"] };
      const order: string[] = [];
      for (let n = 0; n < 4; n += 1) order.push((await claimed(queue, both)).task.application);
      expect(order).toEqual(["shop", "bank", "shop", "bank"]);
      expect(await queue.claim({ ...ASKED, applications: ["bank"] })).toBeNull();
    });

    test("takes a task from a worker that fell silent, and refuses whatever that says", async () => {
      const { id } = await queue.enqueue(task("a"));
      const late = await claimed();
      await queue.renew(late.claim, CLAIM_MS, { upTo: "k7" });
      await harness.pass(CLAIM_MS + 1);
      const next = await claimed(harness.another, { holder: "host/2" });
      expect(next.task).toMatchObject({ id, attempts: 2, progress: { upTo: "k7" } });
      const refused = { code: "CLAIM_LOST", retryable: false };
      await expect(queue.renew(late.claim, CLAIM_MS)).rejects.toMatchObject(refused);
      await expect(queue.finish(late.claim, "late")).rejects.toMatchObject(refused);
      await expect(queue.fail(late.claim, FAILURE, 0)).rejects.toMatchObject(refused);
      await expect(queue.release(late.claim)).rejects.toMatchObject(refused);
      await harness.another.finish(next.claim, "right");
      expect((await queue.read(id)).result).toBe("right");
      await expect(harness.another.finish(next.claim, "twice")).rejects.toMatchObject(refused);
    });

    test("leaves a task with the worker that renews its claim in time", async () => {
      await queue.enqueue(task("a"));
      const { claim } = await claimed();
      for (let n = 0; n < 3; n += 1) {
        await harness.pass(CLAIM_MS - 3_000);
        await queue.renew(claim, CLAIM_MS);
        expect(await harness.another.claim(ASKED)).toBeNull();
      }
      await queue.finish(claim, null);
    });

    test("accepts what a late worker finished if nobody else had the task meanwhile", async () => {
      const { id } = await queue.enqueue(task("a"));
      const { claim } = await claimed();
      await harness.pass(CLAIM_MS * 2);
      await queue.finish(claim, "late");
      expect((await queue.read(id)).result).toBe("late");
    });

    test("tries a failed task again when its time has come, then sets it aside", async () => {
      const { id } = await queue.enqueue(task("a", { attemptsMax: 2 }));
      expect(await queue.fail((await claimed()).claim, FAILURE, 5_000)).toBe("waiting");
      expect(await queue.claim(ASKED)).toBeNull();
      await harness.pass(5_001);
      expect(await queue.fail((await claimed()).claim, FAILURE, 5_000)).toBe("set-aside");
      await harness.pass(60_000);
      expect(await queue.claim(ASKED)).toBeNull();
      const [aside] = await queue.setAside("shop", 10);
      expect(aside).toMatchObject({ id, status: "set-aside", attempts: 2, failure: FAILURE });
    });

    test("sets a finally failed task aside at once; a person may have it tried again", async () => {
      const { id } = await queue.enqueue(task("a", { attemptsMax: null }));
      expect(await queue.fail((await claimed()).claim, FAILURE, null)).toBe("set-aside");
      await queue.retry(id);
      await expect(queue.retry(id)).rejects.toMatchObject({ code: "CONFLICT" });
      const { task: again, claim } = await claimed();
      expect(again).toMatchObject({ id, attempts: 1 });
      await queue.finish(claim, null);
      await expect(queue.retry("999999")).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    test("sets a task aside that takes worker after worker with it", async () => {
      const { id } = await queue.enqueue(task("a", { attemptsMax: 2 }));
      for (let n = 0; n < 2; n += 1) {
        await claimed();
        await harness.pass(CLAIM_MS + 1);
      }
      expect(await queue.claim(ASKED)).toBeNull();
      const aside = { status: "set-aside", failure: { code: "CLAIM_LOST" } };
      expect(await queue.read(id)).toMatchObject(aside);
    });

    test("never gives a task up that may be tried for ever", async () => {
      await queue.enqueue(task("a", { attemptsMax: null }));
      for (let n = 0; n < 30; n += 1) {
        expect((await claimed()).task.attempts).toBe(n + 1);
        await harness.pass(CLAIM_MS + 1);
      }
    });

    test("gives a released task to the next worker at once, and does not count it", async () => {
      await queue.enqueue(task("a", { attemptsMax: 1 }));
      await queue.release((await claimed()).claim);
      const next = await claimed(harness.another);
      expect(next.task.attempts).toBe(1);
      expect(next.claim.token).toBe(2);
    });

    test("ends a cancelled task for whoever has it, and for everybody else", async () => {
      const { id } = await queue.enqueue(task("a"));
      const { claim } = await claimed();
      await harness.another.cancel(id);
      await expect(queue.renew(claim, CLAIM_MS)).rejects.toMatchObject({ code: "CLAIM_LOST" });
      await harness.pass(CLAIM_MS + 1);
      expect(await queue.claim(ASKED)).toBeNull();
      await queue.cancel(id);
      expect((await queue.read(id)).status).toBe("cancelled");
    });

    test("leaves a finished task finished when it is cancelled", async () => {
      const { id } = await queue.enqueue(task("a"));
      await queue.finish((await claimed()).claim, 7);
      await queue.cancel(id);
      expect(await queue.read(id)).toMatchObject({ status: "done", result: 7 });
      await expect(queue.cancel("999999")).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    test("refuses payloads and results that belong into an object store", async () => {
      const large = "x".repeat(TASK_JSON_MAX_BYTES);
      const refused = { code: "BAD_REQUEST" };
      await expect(queue.enqueue(task("b", { payload: large }))).rejects.toMatchObject(refused);
      await queue.enqueue(task("a"));
      const { claim } = await claimed();
      await expect(queue.finish(claim, large)).rejects.toMatchObject(refused);
      await queue.finish(claim, "small");
    });

    test("tells how a batch stands, and how many tasks are where", async () => {
      for (const key of ["a", "b", "c"]) await queue.enqueue(task(key, { batch: "sync-1" }));
      await queue.enqueue(task("d"));
      const { claim } = await claimed();
      await queue.renew(claim, CLAIM_MS, { copied: 2 });
      await queue.finish((await claimed()).claim, { copied: 5 });
      const batch = await queue.batch("shop", "sync-1", 10);
      expect(batch.map(({ key, status }) => `${key} ${status}`)).toEqual([
        "a claimed",
        "b done",
        "c waiting",
      ]);
      expect(batch[0]?.progress).toEqual({ copied: 2 });
      expect(await queue.batch("shop", "sync-1", 2)).toHaveLength(2);
      const counts = { waiting: 2, claimed: 1, done: 1, "set-aside": 0, cancelled: 0 };
      expect(await queue.counts("shop")).toEqual(counts);
      expect((await queue.counts("bank")).waiting).toBe(0);
    });

    test("forgets what ended long ago, and nothing else", async () => {
      const { id } = await queue.enqueue(task("ended"));
      await queue.finish((await claimed()).claim, null);
      const open = await queue.enqueue(task("open"));
      await harness.pass(60_000);
      expect(await queue.prune(600_000)).toBe(0);
      expect(await queue.prune(30_000)).toBe(1);
      await expect(queue.read(id)).rejects.toMatchObject({ code: "NOT_FOUND" });
      expect((await queue.read(open.id)).status).toBe("waiting");
    });
  });
}

function task(key: string, more: Partial<NewTask> = {}): NewTask {
  return { application: "shop", kind: "copy", key, payload: { key }, ...more };
}
