// Goal: a visitor who orders while a cloud is lost is told what happens and how the shop is,
// has ordered once, and gets a receipt.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

const PATIENCE_MS = 40_000;

let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest({ durability: "barrier", objects: true });
});

afterAll(() => sandbox.close());

test("the page follows the application, and an order sent again and again is placed once", async () => {
  const url = sandbox.world.urls.storefront;
  await until("the first page", () => page("/status"), isServedBy("AWS"));
  await until("the score", () => page("/"), saysScore);
  const before = await orderUntilTaken(url, randomUUID());
  await sandbox.world.breakIt("region-isolation");

  const during = await orderUntilTaken(url, randomUUID());

  expect(during).not.toBe(before);
  expect(await page("/status")).toContain("Azure, westeurope");
  await until("the score of the new site", () => page("/status"), saysScore);
  for (const path of [before, during]) {
    await until(`${path} being fulfilled`, () => page(`${path}/state`), saysFulfilled);
    await until(`the receipt of ${path}`, () => page(`${path}/receipt`), isReceipt);
  }
  const list = await page("/");
  expect(list.match(/<td><a href="\/orders\/\d+">/g)).toHaveLength(2);
}, 120_000);

async function page(path: string): Promise<string> {
  const url = `${sandbox.world.urls.storefront}${path}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return answer.text();
}

function isServedBy(cloud: string): (text: string) => boolean {
  return (text) => text.includes(cloud) && text.includes("Orders are taken.");
}

function saysFulfilled(text: string): boolean {
  return text.includes("fulfilled");
}

function saysScore(text: string): boolean {
  return /<dt>Score<\/dt><dd class="\w+">\d+, [a-z ]+<\/dd>/.test(text);
}

function isReceipt(text: string): boolean {
  return text.includes("<dd>Ada</dd>") && text.includes("Rope, 20 m");
}

/** Sends the same form again, as its page does, until there is an order; where it is shown. */
async function orderUntilTaken(url: string, key: string): Promise<string> {
  const body = new URLSearchParams({ key, customer: "Ada", sku: "rope-20", quantity: "2" });
  const endsAtMs = Date.now() + PATIENCE_MS;
  while (Date.now() < endsAtMs) {
    const place = await placed(url, body);
    if (place !== null) return place;
    await sleep(200);
  }
  throw new Error(`no order within ${PATIENCE_MS} ms`);
}

async function placed(url: string, body: URLSearchParams): Promise<string | null> {
  const options = { method: "POST", body, redirect: "manual" } as const;
  try {
    const signal = AbortSignal.timeout(2_000);
    const answer = await fetch(`${url}/orders`, { ...options, signal });
    await answer.arrayBuffer();
    return answer.status === 303 ? answer.headers.get("location") : null;
  } catch {
    // Cut off: sent again.
    return null;
  }
}
