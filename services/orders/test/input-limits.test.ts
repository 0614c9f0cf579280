import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningService } from "@cloudphoenix/chassis";
import { ask, DRAFT, eventually, openWorld, place, serve, type World } from "./orders-world.ts";

let world: World;
let service: RunningService & { readonly url: string };

beforeAll(async () => {
  world = await openWorld();
  service = await serve(world);
});

afterAll(async () => {
  await service.drain();
  await world.close();
});

const ITEM = { sku: "tea", quantity: 1 };

describe("an order is refused with 400 and the name of the field", () => {
  test.each([
    ["an unknown key", { ...DRAFT, discount: 1 }, "body"],
    ["an unknown key of an item", { ...DRAFT, items: [{ ...ITEM, price: 1 }] }, "body/items/0"],
    ["no customer", { items: [ITEM] }, "body/customer"],
    ["an empty customer", { ...DRAFT, customer: "" }, "body/customer"],
    ["a long customer", { ...DRAFT, customer: "x".repeat(201) }, "body/customer"],
    ["a NUL in the customer", { ...DRAFT, customer: "a\0b" }, "body/customer"],
    ["half a surrogate pair", { ...DRAFT, customer: "a\uD800" }, "body/customer"],
    ["no items", { ...DRAFT, items: [] }, "body/items"],
    ["too many items", { ...DRAFT, items: Array.from({ length: 101 }, () => ITEM) }, "body/items"],
    [
      "a quantity of zero",
      { ...DRAFT, items: [{ ...ITEM, quantity: 0 }] },
      "body/items/0/quantity",
    ],
    [
      "a broken quantity",
      { ...DRAFT, items: [{ ...ITEM, quantity: 1.5 }] },
      "body/items/0/quantity",
    ],
    ["a strange sku", { ...DRAFT, items: [{ ...ITEM, sku: "a b" }] }, "body/items/0/sku"],
    ["a long note", { ...DRAFT, note: "x".repeat(2001) }, "body/note"],
    ["a list", [], "body"],
    ["null", null, "body"],
  ])("%s", async (_what, draft, field) => {
    const answer = await place(service.url, "limits", draft);

    expect([answer.status, answer.body["code"]]).toEqual([400, "BAD_REQUEST"]);
    expect(String(answer.body["detail"])).toMatch(new RegExp(`^${field}: `));
  });

  test.each([
    ["no key", {}],
    ["an empty key", { "idempotency-key": "" }],
    ["a long key", { "idempotency-key": "k".repeat(201) }],
    ["a key with a space", { "idempotency-key": "a b" }],
    ["a key beyond ASCII", { "idempotency-key": "schlüssel" }],
  ])("%s", async (_what, headers) => {
    const answer = await ask(`${service.url}/orders`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(DRAFT),
    });

    expect([answer.status, answer.body["code"]]).toEqual([400, "BAD_REQUEST"]);
    expect(String(answer.body["detail"])).toMatch(/^headers\/idempotency-key: /);
  });
});

describe("a request is refused with the right status", () => {
  const headers = { "content-type": "application/json", "idempotency-key": "raw" };
  test.each([
    ["broken JSON", { method: "POST", headers, body: '{"customer":' }, 400],
    ["an empty body", { method: "POST", headers, body: "" }, 400],
    ["a prototype in the JSON", { method: "POST", headers, body: '{"__proto__":{"a":1}}' }, 400],
    [
      "a form",
      { method: "POST", headers: { ...headers, "content-type": "text/plain" }, body: "x" },
      415,
    ],
    [
      "65 KiB",
      { method: "POST", headers, body: JSON.stringify({ note: "x".repeat(66_000) }) },
      413,
    ],
  ])("%s", async (_what, init, status) => {
    const answer = await ask(`${service.url}/orders`, init);

    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ status, requestId: expect.any(String) });
  });

  test.each([
    ["/orders/0", 400],
    ["/orders/-1", 400],
    ["/orders/1e3", 400],
    ["/orders/9223372036854775808", 400],
    ["/orders/%E0%A4%A", 400],
    ["/orders?key=", 400],
    ["/orders?key=a&customer=b", 400],
    ["/orders?limit=0", 400],
    ["/orders?limit=101", 400],
    ["/orders?limit=1.5", 400],
    ["/orders?after=x", 400],
    ["/orders?after=MQ%3D%3D", 400],
    ["/orders?customer=a%00b", 400],
    ["/orders?key=a&sort=b", 400],
    ["/orders?key=a&key=b", 400],
    ["/orders/../health/x", 404],
    ["/", 404],
  ])("GET %s", async (path, status) => {
    expect((await ask(service.url + path)).status).toBe(status);
  });
});

test("nothing of the inside shows when something unplanned happens", async () => {
  await world.sql("alter table orders add constraint surprise check (customer <> 'Mallory')");

  const answer = await place(service.url, "surprise", { ...DRAFT, customer: "Mallory" });

  expect(answer.status).toBe(500);
  expect(answer.body["code"]).toBe("INTERNAL");
  expect(JSON.stringify(answer.body)).not.toMatch(/surprise|constraint|orders_|select|insert|\.ts/);
  expect((await place(service.url, "after-surprise")).status).toBe(201);
});

// Goal: no request makes the service answer 5xx or stop. Method: seeded random requests over raw
// sockets, so that even what an HTTP client would never send is sent.
test("2,000 random requests cause no 5xx", async () => {
  const random = seeded(20_261);
  const statuses = new Map<number, number>();
  for (let batch = 0; batch < 100; batch += 1) {
    const requests = Array.from({ length: 20 }, () => randomRequest(random));
    for (const status of await Promise.all(requests.map((bytes) => sendRaw(service.port, bytes)))) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }

  expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([]);
  // The generator must reach the handlers, not only the parser.
  for (const status of [201, 400, 404, 413]) expect(statuses.get(status) ?? 0).toBeGreaterThan(0);
  await eventually(
    () => ask(`${service.url}/health`),
    (health) => health.body["status"] === "healthy",
  );
}, 60_000);

type Random = () => number;

/** mulberry32. */
function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)]!;
}

function randomText(random: Random, maxLength: number): string {
  const alphabet = [
    "a",
    "0",
    " ",
    "/",
    "%",
    "\0",
    "\uD800",
    "ü",
    "🍵",
    "'",
    '"',
    "\\",
    "\u007F",
    "\n",
  ];
  return Array.from({ length: Math.floor(random() * maxLength) }, () =>
    pick(random, alphabet),
  ).join("");
}

function randomValue(random: Random, depth: number): unknown {
  const kind = Math.floor(random() * (depth > 3 ? 5 : 8));
  if (kind === 0) return randomText(random, 30);
  if (kind === 1) return (random() - 0.5) * 10 ** Math.floor(random() * 30);
  if (kind === 2) return pick(random, [null, true, false]);
  if (kind <= 4) return pick<unknown>(random, ["Ada", 1, "tea-1", 10_000, ""]);
  if (kind === 5)
    return Array.from({ length: Math.floor(random() * 4) }, () => randomValue(random, depth + 1));
  return randomDraft(random, depth + 1);
}

function randomDraft(random: Random, depth: number): Record<string, unknown> {
  const fields = ["customer", "items", "note", "sku", "quantity", "__proto__", "constructor", "id"];
  const draft: Record<string, unknown> = random() < 0.6 ? { ...DRAFT } : {};
  for (let count = Math.floor(random() * 4); count > 0; count -= 1) {
    Object.defineProperty(draft, pick(random, fields), {
      value: randomValue(random, depth),
      enumerable: true,
      configurable: true,
    });
  }
  return draft;
}

function randomRequest(random: Random): Buffer {
  const method = pick(random, ["POST", "POST", "POST", "GET", "PUT", "DELETE", "HEAD", "BREW"]);
  const path = pick(random, [
    "/orders",
    "/orders",
    "/orders",
    `/orders/${Math.floor(random() * 1e20)}`,
    `/orders/${encodeURIComponent(randomText(random, 20).toWellFormed())}`,
    `/orders?key=${encodeURIComponent(randomText(random, 300).toWellFormed())}`,
    "/orders/%ff%fe",
    "//orders//..%2f..",
    "/health?x=1",
    "*",
  ]);
  const body = pick(random, [
    () => JSON.stringify(randomDraft(random, 0)),
    () => JSON.stringify(DRAFT),
    () => JSON.stringify(randomValue(random, 0)) ?? "",
    () => randomText(random, 200),
    () => "x".repeat(66_000),
  ])();
  const key = pick(random, [`k${Math.floor(random() * 500)}`, randomText(random, 20), "", "a b"]);
  const type = pick(random, [
    "application/json",
    "application/json",
    "application/json",
    "text/xml",
    "",
  ]);
  const payload = Buffer.from(body);
  const head = [
    `${method} ${path} HTTP/1.1`,
    "host: orders",
    "connection: close",
    `content-type: ${type}`,
    `idempotency-key: ${key}`,
    `x-request-id: ${randomText(random, 10)}`,
    `content-length: ${payload.byteLength}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), payload]);
}

/** Status of the answer; 0 if the connection was closed without one. */
function sendRaw(port: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)));
    socket.write(bytes);
  });
}
