// Goal: visitors can order and read, are told what happens, and lose or double nothing, whatever the
// orders service does. Method: the assembled service, asked through its own HTTP stack.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PretendedOrders } from "./pretended-orders.ts";
import { FORM, KEY, Shop } from "./storefront-world.ts";

let shop: Shop;
let orders: PretendedOrders;

beforeEach(async () => {
  shop = await Shop.open();
  ({ orders } = shop);
});

afterEach(() => shop.close());

/** The value of a field of the form, as the page shows it. */
function field(page: string, name: string): string | undefined {
  return new RegExp(`name="${name}"[^>]* value="([^"]*)"`).exec(page)?.[1];
}

describe("the front page", () => {
  test("says which cloud serves, its epoch, its health and what is wrong", async () => {
    const { body } = await shop.get("/");

    for (const text of ["AWS, us-east-1", "aws-us-east-1", "<dd>3</dd>", "Orders are taken."])
      expect(body).toContain(text);
    expect(body).toContain("slow &lt;b&gt;today&lt;/b&gt;");
  });

  test("gives every visitor a key of their own", async () => {
    const keys = await Promise.all([shop.get("/"), shop.get("/")]);

    const [one, other] = keys.map(({ body }) => field(body, "key"));
    expect(one).toMatch(/^[0-9a-f-]{36}$/);
    expect(other).not.toBe(one);
  });

  test("lists orders with what people call the articles, and leads to older ones", async () => {
    await shop.post("/orders", FORM);
    orders.next = "MTc";

    const { body } = await shop.get("/?after=OTk");

    expect(body).toContain('<a href="/orders/1">A-1</a>');
    expect(body).toContain("2 × Rope, 20 m");
    expect(body).toContain('<a href="/?after=MTc">Older orders</a>');
    expect(orders.asked.map(({ path }) => path)).toContain("/orders?limit=10&after=OTk");
  });

  test("ignores a place to begin that is none", async () => {
    await shop.get(`/?after=${encodeURIComponent("x&limit=9")}`);

    expect(orders.asked.map(({ path }) => path)).toContain("/orders?limit=10");
  });

  test.each(["broken", "nonsense", "hang"] as const)(
    "is there although the orders service is %s, and says so",
    async (mood) => {
      orders.reading = mood;
      const answer = await shop.get("/");

      expect(answer.statusCode).toBe(200);
      expect(answer.body).toContain("The orders service does not answer right now.");
      expect(answer.body).toContain("Orders cannot be read at this moment.");
      expect(answer.body).toContain('action="/orders"');
    },
  );

  test("says that orders can be read while the site refuses writes", async () => {
    orders.writing = "read-only";

    expect((await shop.get("/")).body).toContain(
      "Orders can be read; new ones are taken again in a moment.",
    );
  });

  test("is light: page, style, scripts and icon together under 30 KiB", async () => {
    const { body } = await shop.get("/");
    const paths = [...body.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path);
    const files = await Promise.all(paths.map((path) => shop.get(path ?? "")));

    expect(paths).toHaveLength(4);
    expect(files.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
    for (const { headers } of files) expect(headers["cache-control"]).toContain("immutable");
    const bytes = [body, ...files.map((file) => file.body)].join("").length;
    expect(bytes).toBeLessThan(30 * 1024);
    // What a script imports is named after its content, too.
    const imported = files.flatMap((file) => /from "([^"]+)"/.exec(file.body)?.[1] ?? []);
    expect(imported).toHaveLength(1);
    expect(paths).toContain(imported[0]);
  });

  test("allows no script, style or form from anywhere else, and holds none itself", async () => {
    const { headers, body } = await shop.get("/");

    expect(headers["content-security-policy"]).toContain("script-src 'self'");
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    expect(body).not.toMatch(/<script(?![^>]* src=)|<style| style=| on[a-z]+=/);
  });

  test("can be used with a keyboard and a screen reader", async () => {
    const { body } = await shop.get("/");

    const labels = [...body.matchAll(/<label for="([^"]+)"/g)].map(([, id]) => id);
    expect(labels).toEqual(["customer", "sku", "quantity", "note"]);
    for (const id of labels) expect(body).toContain(` id="${id}"`);
    for (const part of ['lang="en"', '<main id="main">', 'href="#main"', 'role="status"'])
      expect(body).toContain(part);
    expect(body).toContain('aria-live="polite"');
  });
});

describe("placing an order", () => {
  test("sends the key of the form, on behalf of the request, and leads to the order", async () => {
    const answer = await shop.post("/orders", { ...FORM, note: "ring <twice>" });

    expect([answer.statusCode, answer.headers.location]).toEqual([303, "/orders/1"]);
    const [placing] = orders.placings;
    expect(placing?.headers).toMatchObject({
      "idempotency-key": KEY,
      "x-request-id": answer.headers["x-request-id"],
    });
    expect(JSON.parse(placing?.body ?? "")).toEqual({
      customer: "Ada",
      items: [{ sku: "rope-20", quantity: 2 }],
      note: "ring <twice>",
    });
  });

  test("tells the orders service how much time is left and who asks, so that each visitor has a limit of their own", async () => {
    await shop.close();
    shop = await Shop.open({ TRUSTED_PROXIES: "1" });
    ({ orders } = shop);
    // What stands further left was written by the visitor.
    await shop.post("/orders", FORM, { "x-forwarded-for": "192.0.2.66, 203.0.113.7" });
    await shop.get("/orders/1");

    expect(orders.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /orders",
      "GET /orders/1",
    ]);
    expect(orders.placings[0]?.headers["x-forwarded-for"]).toBe("203.0.113.7");
    for (const { headers } of orders.asked) {
      const leftMs = Number(headers["x-request-timeout-ms"]);
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(5_000);
    }
  });

  test("sent twice orders once", async () => {
    const answers = [await shop.post("/orders", FORM), await shop.post("/orders", FORM)];

    expect(answers.map(({ headers }) => headers.location)).toEqual(["/orders/1", "/orders/1"]);
    expect(orders.orders.size).toBe(1);
  });

  test.each([
    ["customer", "", "Tell us your name."],
    ["sku", "gold", "Choose an article."],
    ["quantity", "0", "At least 1."],
    ["quantity", "100", "At most 99."],
    ["quantity", "two", "Say how many, from 1 to 99."],
    ["note", "x".repeat(501), "At most 500 characters."],
  ])(
    "with %s %j shows what is wrong beside the field and asks nobody",
    async (name, value, says) => {
      const { statusCode, body } = await shop.post("/orders", { ...FORM, [name]: value });

      expect(statusCode).toBe(422);
      expect(body).toContain(`<p class="mistake" id="${name}-mistake">${says}</p>`);
      expect(body).toContain(`aria-describedby="${name}-mistake"`);
      expect(field(body, "key")).toBe(KEY);
      expect(orders.placings).toEqual([]);
    },
  );

  test("while the site is read-only keeps what was typed and the key, and says when to try again", async () => {
    orders.writing = "read-only";
    const { statusCode, headers, body } = await shop.post("/orders", FORM);

    expect([statusCode, headers["retry-after"]]).toEqual([503, "2"]);
    expect(body).toContain("Yours is kept in the form");
    expect([field(body, "key"), field(body, "customer"), field(body, "quantity")]).toEqual([
      KEY,
      "Ada",
      "2",
    ]);
    expect(body).toContain('<option value="rope-20" selected>');

    orders.writing = "ok";
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect((await shop.post("/orders", FORM)).headers.location).toBe("/orders/1");
    expect(new Set(orders.placings.map((placing) => placing.headers["idempotency-key"]))).toEqual(
      new Set([KEY]),
    );
  });

  test("an orders service that hangs costs no more than the time of the request", async () => {
    orders.writing = "hang";
    const { statusCode } = await shop.post("/orders", FORM);

    expect(statusCode).toBe(504);
  });

  test("a refusal that will stay one becomes a page that says so and is not repeated", async () => {
    orders.writing = "refuses";
    const { statusCode, headers, body } = await shop.post("/orders", FORM);

    expect([statusCode, headers["retry-after"]]).toEqual([400, undefined]);
    expect(body).toContain("<h1>It is not possible</h1>");
    expect(orders.placings).toHaveLength(1);
  });

  test.each([
    [{ "sec-fetch-site": "cross-site" }],
    [{ "sec-fetch-site": "same-site" }],
    [{ "sec-fetch-site": "", origin: "https://evil.example" }],
  ])("from another site's page (%o) is refused", async (headers) => {
    const sent = { ...headers };
    const { statusCode, body } = await shop.post("/orders", FORM, sent);

    expect(statusCode).toBe(403);
    expect(body).toContain("Open the shop itself and order there.");
    expect(orders.placings).toEqual([]);
  });

  test("what visitors write is shown as they wrote it, never as markup", async () => {
    const evil = '"><script>alert(1)</script>';
    const { body } = await shop.post("/orders", {
      ...FORM,
      customer: evil,
      quantity: evil,
      key: evil,
    });

    expect(body).not.toContain("<script>alert");
    expect(body).toContain("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
  });

  test("a body that is too large or no form is refused with a page", async () => {
    const large = await shop.post("/orders", { ...FORM, note: "x".repeat(70_000) });
    const json = await shop.post("/orders", FORM, { "content-type": "application/json" });

    expect(large.statusCode).toBe(413);
    expect(json.statusCode).toBeGreaterThanOrEqual(400);
    expect(json.statusCode).toBeLessThan(500);
    for (const { headers } of [large, json]) expect(headers["content-type"]).toContain("text/html");
  });
});

describe("an order", () => {
  test("is shown with its state, which the page refreshes by itself", async () => {
    await shop.post("/orders", FORM);
    const { body } = await shop.get("/orders/1");

    expect(body).toContain("<h1>Order A-1</h1>");
    expect(body).toContain("placed, being packed");
    expect(body).toContain('data-refresh="/orders/1/state"');
    expect((await shop.get("/orders/1/state")).body).not.toContain("<html");
  });

  test("can be cancelled as long as it is not fulfilled", async () => {
    await shop.post("/orders", FORM);
    const cancelled = await shop.post("/orders/1/cancel", {});

    expect([cancelled.statusCode, cancelled.headers.location]).toEqual([303, "/orders/1"]);
    const { body } = await shop.get("/orders/1");
    expect(body).toContain("cancelled");
    expect(body).not.toContain("Cancel this order");
  });

  test.each(["/orders/77", "/orders/x", "/orders/..%2Fhealth", "/nowhere"])(
    "%s is nothing, and a page says so",
    async (url) => {
      const { statusCode, headers, body } = await shop.get(url);

      expect(statusCode).toBe(404);
      expect(headers["content-type"]).toContain("text/html");
      expect(body).toContain("Back to the shop");
    },
  );

  test("that is not asked for any more because the way kept failing is said so without the names of the inside", async () => {
    orders.reading = "broken";
    for (let tries = 1; tries <= 3; tries += 1) await shop.get("/orders/1");
    orders.asked.length = 0;
    const { statusCode, body } = await shop.get("/orders/1");

    expect(orders.asked).toEqual([]);
    expect(statusCode).toBe(503);
    expect(body).toContain("Orders cannot be reached at this moment.");
    expect(body).not.toMatch(/orders-read|dependency|kept failing/i);
  });

  test("that cannot be read now is not said to be lost", async () => {
    orders.reading = "broken";
    const { statusCode, headers, body } = await shop.get("/orders/1");

    expect(statusCode).toBe(503);
    expect(headers["retry-after"]).toBe("1");
    expect(body).toContain("What you ordered before is kept.");
    expect(body).not.toContain("ECONN");
  });
});
