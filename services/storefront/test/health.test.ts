// Goal: whoever asks the storefront learns how its site is, and users are sent elsewhere when that helps
// them. Method: the assembled service before an orders service that says what it is told to.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PretendedOrders } from "./pretended-orders.ts";
import { FORM, Shop } from "./storefront-world.ts";

let shop: Shop;
let orders: PretendedOrders;

beforeEach(async () => {
  shop = await Shop.open({ SITE: "aws-us-east-1" });
  ({ orders } = shop);
  orders.health = "healthy";
  // The first call of a process is a slow one.
  await fetch(`${orders.url}/health`);
  orders.asked.length = 0;
});

afterEach(() => shop.close());

/** Status codes by path. */
async function codes(...paths: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const answers = await Promise.all(
    paths.map(async (path) => [path, (await shop.get(path)).statusCode] as const),
  );
  return Object.fromEntries(answers);
}

describe("with an orders service that is well", () => {
  test("site, role, epoch, lease and the right to write are those it tells", async () => {
    const told = {
      site: "aws-us-east-1",
      role: "active",
      generation: 3,
      writesOpen: true,
      // It was told 9 s, some time ago.
      leaseRemainingMs: expect.toSatisfy((ms: number) => ms > 0 && ms <= 9_000),
    };
    const [health, status] = [await shop.get("/health"), await shop.get("/cloud-status")];

    expect(health.json()).toMatchObject({ ...told, status: "healthy", durability: "barrier" });
    expect(status.json()).toMatchObject(told);
    expect(await codes("/health", "/ready", "/traffic")).toEqual({
      "/health": 200,
      "/ready": 200,
      "/traffic": 200,
    });
  });

  test("it is asked once however many probes and pages want to know", async () => {
    orders.healthMs = 400;
    const paths = ["/health", "/cloud-status", "/ready", "/traffic", "/status"];

    // All of them come while it takes its time: more would be too many for a busy machine.
    await Promise.all(Array.from({ length: 5 }, () => codes(...paths)));

    expect(orders.asked.filter(({ path }) => path === "/health")).toHaveLength(1);
  });
});

describe("with an orders service that is ill", () => {
  test("it is degraded while that is, and says by what", async () => {
    orders.health = "degraded";
    const health = await shop.get("/health");

    expect(health.statusCode).toBe(200);
    expect(health.json()).toMatchObject({
      status: "degraded",
      dependencies: [
        { name: "orders", status: "degraded", error: "database is degraded (slow <b>today</b>)" },
      ],
    });
    expect(await codes("/ready", "/traffic")).toEqual({ "/ready": 200, "/traffic": 200 });
  });

  test("one that takes its time to say what does not answer is not said to be gone", async () => {
    orders.health = "degraded";
    orders.healthMs = 500;

    expect((await shop.get("/health")).json()).toMatchObject({
      status: "degraded",
      role: "active",
    });
  });

  test("without its database users are sent to the other site, and the page still says what happens", async () => {
    orders.health = "unhealthy";
    orders.role = "unknown";
    const health = await shop.get("/health");

    expect(health.statusCode).toBe(503);
    expect(health.json()).toMatchObject({
      status: "unhealthy",
      role: "unknown",
      writesOpen: false,
      dependencies: [
        { name: "orders", status: "unhealthy", error: "database is unhealthy (slow <b>today</b>)" },
      ],
    });
    expect((await shop.get("/traffic")).json()).toEqual({ status: "not ready" });
    expect(await codes("/traffic", "/ready", "/live", "/")).toEqual({
      "/traffic": 503,
      "/ready": 200,
      "/live": 200,
      "/": 200,
    });
  });

  test.each([
    ["broken", "unreachable"],
    ["hang", "timed out"],
    ["nonsense", "unreachable"],
  ] as const)("one that is %s is %s, and users are sent away", async (mood, error) => {
    orders.reading = mood;
    const health = await shop.get("/health");

    expect(health.statusCode).toBe(503);
    expect(health.json()).toMatchObject({
      status: "unhealthy",
      role: "unknown",
      dependencies: [{ name: "orders", status: "unhealthy", error }],
    });
    expect(await codes("/traffic", "/ready")).toEqual({ "/traffic": 503, "/ready": 200 });
  });
});

test("a site whose writes are closed is healthy, takes no new users, and is read by those it has", async () => {
  await shop.post("/orders", FORM);
  orders.writing = "read-only";
  orders.role = "standby";

  expect((await shop.get("/health")).json()).toMatchObject({
    status: "healthy",
    role: "standby",
    writesOpen: false,
  });
  expect((await shop.get("/traffic")).json()).toEqual({ status: "writes closed" });
  expect(await codes("/ready", "/orders/1")).toEqual({ "/ready": 200, "/orders/1": 200 });
});
