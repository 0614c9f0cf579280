// What orders of one batch do to each other, and what one worker does to the others.
import { type ChildProcess, spawn } from "node:child_process";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FencedWrites } from "@cloudphoenix/chassis";
import { OrderQueue } from "../src/order-queue.ts";
import { type FulfilmentWorld, openFulfilmentWorld } from "./fulfilment-world.ts";

const POISON = "poison";

/** The service, in which packing the poisonous order ends the process as a fault in native code would. */
const PROGRAM = `
  const at = (file) => import(new URL(file, ${JSON.stringify(new URL("../src/", import.meta.url).href)}).href);
  const { assembleFulfilment } = await at("service.ts");
  const { fulfilmentSettings } = await at("settings.ts");
  const { packOrder } = await at("pack-order.ts");
  const { worker } = await assembleFulfilment(fulfilmentSettings(process.env), process.env, (order) => {
    if (order.items[0].sku === ${JSON.stringify(POISON)}) process.kill(process.pid, "SIGKILL");
    return packOrder(order);
  });
  worker.start();`;

let world: FulfilmentWorld;
let child: ChildProcess | null = null;

beforeAll(async () => {
  world = await openFulfilmentWorld();
}, 60_000);
afterAll(() => world.close());
beforeEach(() => world.sql("truncate public.orders, public.fulfilments restart identity"));
afterEach(() => {
  child?.kill("SIGKILL");
  child = null;
});

function queue(): OrderQueue {
  return new OrderQueue(world.app, new FencedWrites(world.app));
}

async function numbersTaken(limit: number, hiddenMs = 60_000): Promise<readonly string[]> {
  return (await queue().take(limit, hiddenMs)).map(({ number }) => number);
}

/** Starts the program whenever it ends, as an orchestrator does, until `done`; how often it was started. */
async function restartedUntil(
  done: () => Promise<boolean>,
  set: Record<string, string>,
): Promise<number> {
  const started = { times: 0, ended: false };
  const start = (): void => {
    started.times += 1;
    child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], {
      env: { ...process.env, ...world.environment, ...set },
      stdio: "inherit",
    });
    child.once("exit", () => {
      if (!started.ended) start();
    });
  };
  start();
  try {
    await expect.poll(done, { timeout: 80_000 }).toBe(true);
  } finally {
    started.ended = true;
  }
  return started.times;
}

describe("an order that ends the process", () => {
  test("is set aside in the end, and none of those that were taken with it", async () => {
    await world.place(5);
    await world.place(1, [{ sku: POISON, quantity: 1 }]);
    await world.place(5);

    const waiting = async (): Promise<boolean> => !("placed" in (await world.statuses()));
    const starts = await restartedUntil(waiting, { ATTEMPTS_MAX: "2", HIDDEN_MS: "1000" });

    expect(await world.statuses()).toEqual({ fulfilled: 10, set_aside: 1 });
    expect(starts).toBe(3);
    const attempts = await world.sql(
      "select distinct attempts from public.orders where status = 'fulfilled'",
    );
    expect(attempts).toEqual([{ attempts: 2 }]);
  }, 90_000);

  test("comes back alone, and so do the others; new ones are taken together", async () => {
    await world.place(3);
    expect(await numbersTaken(2, 1)).toEqual(["ORD-1", "ORD-2"]);

    await expect.poll(() => numbersTaken(10), { timeout: 10_000 }).toEqual(["ORD-1"]);
    expect(await numbersTaken(10)).toEqual(["ORD-2"]);
    await world.place(1);
    expect(await numbersTaken(10)).toEqual(["ORD-3", "ORD-4"]);
  });

  test("does not join a batch of new orders that is taken first", async () => {
    await world.place(3);
    await world.sql("update public.orders set attempts = 1 where number = 'ORD-2'");

    expect(await numbersTaken(10)).toEqual(["ORD-1", "ORD-3"]);
    expect(await numbersTaken(10)).toEqual(["ORD-2"]);
  });
});

test("an order that somebody else holds is passed over at once, whichever it is", async () => {
  await world.place(4);
  const held = world.app.withTransaction(async (holder) => {
    await holder.query({
      text: "select 1 from public.orders where number in ('ORD-1', 'ORD-3') for update",
    });
    return numbersTaken(10);
  });
  expect(await held).toEqual(["ORD-2", "ORD-4"]);
});
