/** What one worker moves stays within its limit, and the backlog says what that costs. */
import { afterEach, expect, test } from "vitest";
import { eventually, keysOf, put, WorkerFixture } from "./worker-fixture.ts";

const KIB = 1024;
const RECEIPTS = 8;
let world: WorkerFixture;

afterEach(async () => {
  await world.remove();
});

async function storeReceipts(): Promise<void> {
  for (let n = 0; n < RECEIPTS; n += 1) {
    await put(world.active.store, `receipts/${n}`, String(n).repeat(128 * KIB));
  }
}

function copied(): Promise<true> {
  return eventually("the copies", async () =>
    (await keysOf(world.standby.store)).length === RECEIPTS ? true : null,
  );
}

test("a worker moves no more than `objects.bandwidth` a second, and is as far behind as that takes", async () => {
  world = await WorkerFixture.start({ objects: "bandwidth: 256KiB, canary: 500ms" });
  await storeReceipts();
  // Before it can have begun: what a busy machine adds makes the time longer, never shorter.
  const beganMs = performance.now();
  world.worker();
  const behind = await eventually("a backlog", async () => {
    const facts = await world.facts();
    return facts !== null && facts.pending > 2 && (facts.backlogAgeMs ?? 0) > 1_000 ? facts : null;
  });
  expect(behind.paused).toBeNull();
  await copied();
  // The first one goes at once; the seven after it take half a second each.
  expect(performance.now() - beganMs).toBeGreaterThan(3_400);
}, 60_000);

test("`--bandwidth` of a worker goes before the configuration", async () => {
  world = await WorkerFixture.start({ objects: "bandwidth: 64KiB, canary: 500ms" });
  await storeReceipts();
  const worker = world.worker("--bandwidth", "1GiB");
  await copied();
  expect(worker.output).toContain(`"bytesPerSecond":${KIB ** 3}`);
}, 60_000);
