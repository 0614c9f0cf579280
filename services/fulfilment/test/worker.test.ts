// The worker without a database: what it says of orders, and when it takes none.
import { expect, test } from "vitest";
import type { WorkResult } from "../src/order-queue.ts";
import { type TakenOrder, UnfulfillableError } from "../src/order.ts";
import { Worker, type WorkerEvent, type WorkerParts, type WorkerTerms } from "../src/worker.ts";

const TERMS: WorkerTerms = {
  batchSize: 10,
  idleMs: 1,
  hiddenMs: 200,
  attemptsMax: 3,
  backoffBaseMs: 100,
  backoffMaxMs: 1_000,
};

function taken(id: string, attempts = 1): TakenOrder {
  return { id, number: `ORD-${id}`, items: [{ sku: "a", quantity: 1 }], attempts };
}

interface Rig {
  readonly worker: Worker;
  readonly settled: WorkResult[];
  readonly events: WorkerEvent[];
  readonly takes: () => number;
}

/** A queue that gives out `batches` one after the other, then nothing. */
function rig(batches: readonly (readonly TakenOrder[])[], parts: Partial<WorkerParts> = {}): Rig {
  const waiting = [...batches];
  const settled: WorkResult[] = [];
  const events: WorkerEvent[] = [];
  let takes = 0;
  const worker = new Worker(
    {
      queue: {
        take: async () => {
          takes += 1;
          return waiting.shift() ?? [];
        },
        settle: async (results) => {
          settled.push(...results);
          return new Set(results.map(({ order }) => order.id));
        },
      },
      writesOpen: async () => true,
      pack: () => [],
      onEvent: (event) => events.push(event),
      random: () => 0.5,
      ...parts,
    },
    TERMS,
  );
  return { worker, settled, events, takes: () => takes };
}

async function runUntil(worker: Worker, done: () => boolean): Promise<void> {
  worker.start();
  await expect.poll(done, { timeout: 5_000 }).toBe(true);
  await worker.stop();
}

test("what cannot be packed comes again later, later each time, and is given up in the end", async () => {
  const { worker, settled } = rig([[taken("1", 1), taken("2", 2), taken("3", 3)]], {
    pack: () => {
      throw new Error("the scales are broken");
    },
  });

  await runUntil(worker, () => settled.length === 3);

  expect(settled).toMatchObject([
    { kind: "again", afterMs: 50 },
    { kind: "again", afterMs: 100 },
    { kind: "set-aside", reason: "given up after 3 attempts: the scales are broken" },
  ]);
});

test("what can never be packed is set aside at once, and does not hold up the others", async () => {
  const { worker, settled } = rig([[taken("1"), taken("2")]], {
    pack: ({ id }) => {
      if (id === "1") throw new UnfulfillableError("too large");
      return [];
    },
  });

  await runUntil(worker, () => settled.length === 2);

  expect(settled).toMatchObject([{ kind: "set-aside", reason: "too large" }, { kind: "packed" }]);
});

test("an order whose attempts all ended without a word is set aside without another try", async () => {
  let packed = 0;
  const { worker, settled } = rig([[taken("1", 4)]], { pack: () => ((packed += 1), []) });

  await runUntil(worker, () => settled.length === 1);

  expect(settled).toMatchObject([
    { kind: "set-aside", reason: "given up: none of 3 attempts came to an end" },
  ]);
  expect(packed).toBe(0);
});

test("work that does not end is given up in time, and its batch is settled", async () => {
  const { worker, settled } = rig([[taken("1"), taken("2")]], {
    pack: ({ id }) => (id === "1" ? new Promise(() => undefined) : []),
  });

  await runUntil(worker, () => settled.length === 2);

  expect(settled.map(({ kind }) => kind)).toEqual(["again", "packed"]);
});

test("nothing is taken while the site may not write", async () => {
  let open = false;
  let asked = 0;
  const { worker, takes, events } = rig([], {
    writesOpen: async () => {
      asked += 1;
      return open;
    },
  });
  worker.start();
  await expect.poll(() => asked).toBeGreaterThan(3);
  expect(takes()).toBe(0);

  open = true;
  await expect.poll(takes).toBeGreaterThan(0);
  await worker.stop();

  expect(events.filter(({ kind }) => kind === "intake")).toEqual([
    { kind: "intake", open: false },
    { kind: "intake", open: true },
  ]);
});

test("a failure of the database pauses the worker, longer each time, and does not end it", async () => {
  let failures = 3;
  let isSettled = false;
  const { worker, events } = rig([], {
    queue: {
      take: async () => {
        if (failures === 0) return isSettled ? [] : [taken("1")];
        failures -= 1;
        throw new Error("the database is gone");
      },
      settle: async () => {
        isSettled = true;
        return new Set(["1"]);
      },
    },
  });

  await runUntil(worker, () => isSettled);

  const pauses = events.flatMap((event) => (event.kind === "failed" ? [event.pauseMs] : []));
  expect(pauses).toEqual([1, 1, 2]);
});

test("orders somebody else decided about meanwhile are told, not counted", async () => {
  const { worker, events } = rig([[taken("1"), taken("2")]], {
    queue: {
      take: async () => (events.length < 2 ? [taken("1"), taken("2")] : []),
      settle: async () => new Set(["2"]),
    },
  });

  await runUntil(worker, () => events.some(({ kind }) => kind === "overtaken"));

  expect(events).toContainEqual({ kind: "overtaken", numbers: ["ORD-1"] });
  expect(events).toContainEqual({
    kind: "settled",
    results: [expect.objectContaining({ order: taken("2") })],
  });
});

test("told to stop, it settles the batch in hand and takes no other", async () => {
  const packing = Promise.withResolvers<undefined>();
  let begun = false;
  const { worker, settled, takes } = rig([[taken("1")], [taken("2")]], {
    pack: async () => {
      begun = true;
      await packing.promise;
      return [];
    },
  });
  worker.start();
  await expect.poll(() => begun).toBe(true);

  const stopped = worker.stop();
  packing.resolve(undefined);
  await stopped;

  expect(settled.map(({ order }) => order.id)).toEqual(["1"]);
  expect(takes()).toBe(1);
});
