// Goal: an order's receipt can be read, printed and kept as soon as it is stored, and one that is not
// there yet, or cannot be read, never breaks the page of its order.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PretendedOrders } from "./pretended-orders.ts";
import { FORM, Shop } from "./storefront-world.ts";

let shop: Shop;
let orders: PretendedOrders;

beforeEach(async () => {
  shop = await Shop.open();
  ({ orders } = shop);
  await shop.post("/orders", FORM);
  orders.asked.splice(0);
});

afterEach(() => shop.close());

/** What was asked for, once each: a busy machine makes the shop ask again. */
function asked(): readonly string[] {
  return [...new Set(orders.asked.map(({ path }) => path))];
}

describe("the page of an order", () => {
  test.each(["/orders/1", "/orders/1/state"])(
    "%s leads to its receipt, and asks for nothing but the order",
    async (url) => {
      expect((await shop.get(url)).body).toContain(
        '<dt>Receipt</dt><dd><a href="/orders/1/receipt">read or print it</a></dd>',
      );
      expect(asked()).toEqual(["/orders/1"]);
    },
  );

  test("without a receipt has no link to one", async () => {
    orders.receipts = "none";

    const { statusCode, body } = await shop.get("/orders/1");

    expect(statusCode).toBe(200);
    expect(body).not.toMatch(/receipt/i);
    expect(asked()).toEqual(["/orders/1"]);
  });

  test("of an orders service that does not speak of receipts has no link to one", async () => {
    orders.receipts = undefined;

    expect((await shop.get("/orders/1")).body).not.toMatch(/receipt/i);
  });

  test("says that the receipt is being written, and does not ask how the site is for every page", async () => {
    orders.receipts = "pending";

    const pages = await Promise.all(Array.from({ length: 20 }, () => shop.get("/orders/1/state")));

    for (const { body } of pages) expect(body).toContain("being written");
    expect(asked()).toEqual(["/orders/1", "/health"]);
    expect(orders.asked.filter(({ path }) => path === "/health").length).toBeLessThan(5);
  });

  test.each([
    ["the storage is down", "unhealthy", "ok", "written as soon as the storage is back"],
    ["writes are closed", "healthy", "read-only", "written as soon as orders are taken again"],
  ] as const)("while %s says what the receipt waits for", async (_when, storage, writing, says) => {
    orders.receipts = "pending";
    Object.assign(orders, { storage, writing });

    const { statusCode, body } = await shop.get("/orders/1");

    expect(statusCode).toBe(200);
    expect(body).toContain(says);
    expect(body).toContain("placed, being packed");
  });

  test("says that a person looks at a receipt that was set aside", async () => {
    orders.receipts = "set_aside";

    expect((await shop.get("/orders/1")).body).toContain(
      '<dt>Receipt</dt><dd><span class="wait">looked at by a person</span></dd>',
    );
  });
});

describe("a receipt", () => {
  test("is a page that says what was ordered, by whom and when, and nothing as markup", async () => {
    const { statusCode, body } = await shop.get("/orders/1/receipt");

    expect(statusCode).toBe(200);
    for (const text of [
      "<dd>A-1</dd>",
      "Ada &lt;Byron&gt;",
      "2026-03-01 12:30 UTC",
      '<td>Rope, 20 m</td><td>rope-20</td><td class="count">2</td>',
      'href="/orders/1/receipt.json"',
      'href="/orders/1"',
    ])
      expect(body).toContain(text);
    expect(body).not.toContain("data-refresh");
  });

  test("is kept as the very text that is stored, under the order's number", async () => {
    const { headers, body } = await shop.get("/orders/1/receipt.json");

    expect(headers["content-disposition"]).toBe('attachment; filename="receipt-A-1.json"');
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(JSON.parse(body)).toMatchObject({ receipt: 1, number: "A-1", customer: "Ada <Byron>" });
  });

  test("has a file name that no order number can break out of", async () => {
    const [key, order] = [...orders.orders][0] ?? [];
    if (key !== undefined && order !== undefined)
      orders.orders.set(key, { ...order, number: 'A"; x=../1\r\n' });

    expect((await shop.get("/orders/1/receipt.json")).headers["content-disposition"]).toBe(
      'attachment; filename="receipt-A___x____1__.json"',
    );
  });

  test("that is being written has a page that looks again with a script and without", async () => {
    orders.receipts = "pending";

    const { statusCode, headers, body } = await shop.get("/orders/1/receipt");

    expect([statusCode, headers["retry-after"]]).toEqual([202, "2"]);
    expect(body).toContain("The receipt is being written. Your order is kept.");
    expect(body).toContain('<a href="/orders/1/receipt">Look again</a>');
    expect(body).toContain('data-refresh="/orders/1/receipt/state"');

    const waiting = await shop.get("/orders/1/receipt/state");
    orders.receipts = "stored";
    const written = await shop.get("/orders/1/receipt/state");
    expect([waiting.statusCode, waiting.body.includes("data-last")]).toEqual([202, false]);
    expect([written.statusCode, written.body.includes("data-last")]).toEqual([200, true]);
    expect(written.body).not.toContain("<html");
  });

  test("that is being written cannot be kept yet: the page says so", async () => {
    orders.receipts = "pending";

    const { statusCode, headers } = await shop.get("/orders/1/receipt.json");

    expect([statusCode, headers.location]).toEqual([302, "/orders/1/receipt"]);
  });

  test.each([
    ["none", 404, "This order has no receipt."],
    ["set_aside", 409, "It is not possible"],
  ] as const)("that is %s is %d, and a page says so", async (receipts, status, says) => {
    orders.receipts = receipts;

    for (const url of ["/orders/1/receipt", "/orders/1/receipt.json"]) {
      const { statusCode, headers, body } = await shop.get(url);
      expect([statusCode, headers["retry-after"]]).toEqual([status, undefined]);
      expect(headers["content-type"]).toContain("text/html");
      expect(body).toContain(says);
    }
  });

  test.each(["/orders/9/receipt", "/orders/x/receipt", "/orders/x/receipt.json"])(
    "%s is nothing, and a page says so",
    async (url) => {
      const { statusCode, body } = await shop.get(url);

      expect(statusCode).toBe(404);
      expect(body).toContain("There is no such order.");
    },
  );

  test("that cannot be read now, asked for again and again, leaves the page of the order alone", async () => {
    orders.storage = "unhealthy";

    const answers = await Promise.all(
      Array.from({ length: 10 }, () => shop.get("/orders/1/receipt")),
    );

    for (const { statusCode, headers, body } of answers) {
      expect([statusCode, headers["retry-after"]]).toEqual([503, "1"]);
      expect(body).toContain("What you ordered before is kept.");
    }
    expect((await shop.get("/orders/1")).statusCode).toBe(200);
  });
});
