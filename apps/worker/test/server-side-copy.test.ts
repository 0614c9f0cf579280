/** The follower lets the standby's store read the active one itself, if the configuration says so. */
import { afterEach, expect, test } from "vitest";
import { eventually, put, textAt, WorkerFixture } from "./worker-fixture.ts";

/** Large enough for `auto`. */
const RECEIPT = "receipt ".repeat(200_000);
let world: WorkerFixture;

afterEach(async () => {
  await world.remove();
});

test.each([
  ["always", true],
  // Both are on this machine: no cloud could read them, and none is asked to.
  ["auto", false],
])(
  "with `%s`: %s",
  async (mode, isServerSide) => {
    world = await WorkerFixture.start({ objects: `server_side_copy: ${mode}, canary: 500ms` });
    await put(world.active.store, "receipts/1", RECEIPT);
    const worker = world.worker();

    await eventually("the copy", async () =>
      (await textAt(world.standby.store, "receipts/1")) === RECEIPT ? true : null,
    );
    const facts = await eventually("facts", async () => {
      const told = await world.facts();
      return (told?.copied ?? 0) > 0 ? told : null;
    });

    expect(facts.copiedServerSide > 0).toBe(isServerSide);
    expect(facts.bytesServerSide > 0).toBe(isServerSide);
    expect(world.blob.front.sourcesRead > 0).toBe(isServerSide);
    expect(worker.output).not.toContain("X-Amz-");
  },
  60_000,
);
