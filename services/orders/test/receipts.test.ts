// "Receipts stored as objects (S3 or Blob by configuration through one port)", and what becomes of them
// across a failover, on a real PostgreSQL and a real object store.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startS3 } from "../../../packages/chassis/test/storage-world.ts";
import { ask, CLOSE_WRITES, eventually, OPEN_WRITES, place } from "./orders-world.ts";
import { askReceipt, openReceiptsWorld, placeMany, type ReceiptsWorld } from "./receipts-world.ts";

/** A failure that a busy machine made would count as an attempt. */
const PATIENT = { STORAGE_TIMEOUT_MS: "10000" };

let world: ReceiptsWorld;

beforeAll(async () => {
  world = await openReceiptsWorld(startS3);
});
beforeEach(() => world.reset());
afterAll(() => world.close());

describe("an accepted order", () => {
  test("gets its receipt: stored once, served as it is stored, without what is not on a receipt", async () => {
    const { url } = await world.start(PATIENT);
    const draft = { customer: "Ada", items: [{ sku: "tea-1", quantity: 2 }], note: "ring twice" };
    const { body: order } = await place(url, "first", draft);
    await world.allStored(1);

    const answer = await askReceipt(url, order["id"]);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(answer.body).toEqual({
      receipt: 1,
      orderId: order["id"],
      number: order["number"],
      customer: "Ada",
      items: draft.items,
      placedAt: order["createdAt"],
    });
    const stored = await world.objects().get(`receipts/${String(order["id"])}.json`);
    expect(JSON.parse(Buffer.from(stored?.body ?? []).toString())).toEqual(answer.body);
    expect(stored?.contentType).toBe("application/json; charset=utf-8");
    expect(await world.rows()).toEqual([
      {
        id: order["id"],
        key: `receipts/${String(order["id"])}.json`,
        due: false,
        attempts: 1,
        stored: true,
        site: "aws-us-east-1",
        reason: null,
      },
    ]);
  });

  test("has one promise, however often it is placed", async () => {
    const { url } = await world.start();
    await Promise.all(Array.from({ length: 20 }, () => place(url, "same")));
    await place(url, "same");
    expect(await world.allStored(1)).toHaveLength(1);
  });

  test("that was refused has none", async () => {
    const { url } = await world.start();
    await place(url, "k", { customer: "" });
    await place(url, "k2");
    await place(url, "k2", { customer: "Eve", items: [{ sku: "a", quantity: 1 }] });
    expect(await world.allStored(1)).toHaveLength(1);
  });

  test("has none where no object store is configured, and that is said, not pending", async () => {
    const { url } = await world.start({ STORAGE_URL: "" });
    const { body: order } = await place(url, "bare");
    expect(order["id"]).toBeDefined();
    const answer = await askReceipt(url, order["id"]);
    expect([answer.status, answer.body["code"]]).toEqual([404, "RECEIPT_NOT_PROMISED"]);
    expect(await world.rows()).toEqual([]);
    expect((await ask(`${url}/cloud-status`)).body).toMatchObject({ storage: null });
    expect((await ask(`${url}/health`)).body["dependencies"]).toMatchObject([
      { name: "database" },
      { name: "writer-lease" },
    ]);
  });

  test("that does not exist has no receipt either: 404 by its own name", async () => {
    const { url } = await world.start();
    const answer = await ask(`${url}/orders/99/receipt`);
    expect([answer.status, answer.body["code"]]).toEqual([404, "ORDER_NOT_FOUND"]);
    expect((await ask(`${url}/orders/x/receipt`)).body["code"]).toBe("BAD_REQUEST");
  });
});

describe("an order that is read", () => {
  test.each([
    ["none", "delete from receipts"],
    ["pending", "update receipts set stored_at = null"],
    ["stored", "select 1"],
    ["set_aside", "update receipts set set_aside_reason = 'x'"],
  ])("says that its receipt is %s, by id and by key, without asking the store", async (is, sql) => {
    const { url } = await world.start();
    const { body: order } = await place(url, "read");
    await world.allStored(1);
    await world.sql(sql);
    await world.way.set("refused");

    const { status, body } = await ask(`${url}/orders/${String(order["id"])}`);

    expect([status, body["receipt"]]).toEqual([200, is]);
    expect((await ask(`${url}/orders?key=read`)).body).toEqual(body);
  });
});

describe("several replicas", () => {
  test("share the receipts, each written once", async () => {
    const [one, two] = [await world.start(PATIENT), await world.start(PATIENT)];
    await Promise.all([placeMany(one.url, 60, "one"), placeMany(two.url, 60, "two")]);
    const rows = await world.allStored(120);
    expect(rows.map((row) => row["attempts"])).toEqual(rows.map(() => 1));
    const metrics = await Promise.all([one, two].map(({ url }) => ask(`${url}/metrics`)));
    const stored = metrics.map(({ body }) =>
      Number(/settled_total\{result="stored"[^}]*\} (\d+)/.exec(String(body["text"]))?.[1]),
    );
    expect(stored.reduce((sum, count) => sum + count, 0)).toBe(120);
  });

  test("a receipt taken by a process that then died comes back", async () => {
    const { url } = await world.start({ STORAGE_URL: "" });
    const { body: order } = await place(url, "orphan");
    // As if taken a moment ago by somebody who is gone.
    await world.sql(
      `insert into receipts (order_id, object_key, attempts, due_at)
       select id, 'receipts/' || id || '.json', 1, now() + interval '300 ms' from orders
       where id = $1`,
      [order["id"]],
    );
    await world.start(PATIENT);
    expect((await world.allStored(1))[0]).toMatchObject({ attempts: 2 });
  });
});

describe("a receipt that can never be written", () => {
  test("is set aside visibly, and the others go on", async () => {
    const { url } = await world.start();
    const first = await place(url, "one");
    await world.allStored(1);
    const next = Number(first.body["id"]) + 1;
    const body = new TextEncoder().encode("somebody else's");
    await world.objects().put({ key: `receipts/${next}.json`, body, contentType: "text/plain" });
    await placeMany(url, 3, "more");
    const rows = await eventually(
      () => world.rows(),
      (all) => all.length === 4 && all.every((row) => row["due"] === false),
    );
    expect(rows.filter((row) => row["stored"] === true)).toHaveLength(3);
    expect((await ask(`${url}/receipts/set-aside`)).body).toEqual({
      receipts: [
        {
          orderId: String(next),
          objectKey: `receipts/${next}.json`,
          reason: "Another object is stored under this name.",
        },
      ],
    });
    const answer = await askReceipt(url, next);
    expect([answer.status, answer.body["code"]]).toEqual([409, "RECEIPT_SET_ASIDE"]);
    // What was there was not touched.
    expect((await world.objects().get(`receipts/${next}.json`))?.contentType).toBe("text/plain");
  });
});

describe("across a failover", () => {
  test("a standby writes no receipts; those promised are pending there", async () => {
    const { url } = await world.start({ STORAGE_URL: "" });
    const { body: order } = await place(url, "replicated");
    await world.sql("insert into receipts (order_id, object_key) values ($1, 'receipts/1.json')", [
      order["id"],
    ]);
    await world.sql(CLOSE_WRITES);
    const standby = await world.start(PATIENT);
    const before = world.way.connections;
    expect((await askReceipt(standby.url, order["id"])).status).toBe(202);
    let looks = 0;
    await eventually(
      () => {
        looks += 1;
        return ask(`${standby.url}/health`);
      },
      ({ body }) => body["status"] === "healthy",
    );
    expect(await world.rows()).toMatchObject([{ attempts: 0, stored: false }]);
    // A look that is given up on a busy machine takes its connection with it.
    expect(world.way.connections - before).toBeLessThanOrEqual(looks);
    await world.sql(OPEN_WRITES);
    await world.allStored(1);
  });

  test("receipts acknowledged at the old site and missing at the new one are written again, newest first", async () => {
    const { url } = await world.start(PATIENT);
    await placeMany(url, 12, "kept");
    const rows = await world.allStored(12);
    // The other site's store had them; the copy to this one was behind by the newest three.
    await world.sql("update receipts set stored_site = 'azure-westeurope'");
    const missing = rows.slice(-3).map((row) => String(row["key"]));
    for (const key of missing) await world.objects().delete(key);
    const left = await world.sql(
      "select object_key from receipts where stored_at is not null order by order_id",
    );
    expect(left).toHaveLength(12);

    // A new generation of this site: it has taken over.
    await world.sql("update cloudphoenix.site set generation = 8");
    await eventually(
      () => world.rows(),
      (all) => all.every((row) => row["site"] === "aws-us-east-1" && row["due"] === false),
    );
    for (const key of missing) expect(await world.objects().head(key)).not.toBeNull();
    // Counted once they are stored.
    const settled = (result: string, count: number): Promise<string> =>
      eventually(
        async () => String((await ask(`${url}/metrics`)).body["text"]),
        (text) => new RegExp(`settled_total\\{result="${result}".*\\} ${count}$`, "m").test(text),
      );
    await settled("found", 9);
    await settled("remade", 3);
  });

  test("as many as are told are looked for, and no more", async () => {
    const { url } = await world.start({ RECEIPTS_RECHECK_MAX: "5" });
    await placeMany(url, 12, "kept");
    await world.allStored(12);
    await world.sql("update receipts set stored_site = 'azure-westeurope'");
    await world.sql("update cloudphoenix.site set generation = 8");
    await eventually(
      () => world.rows(),
      (all) => all.filter((row) => row["site"] === "aws-us-east-1").length === 5,
    );
    await place(url, "after");
    const rows = await world.allStored(13);
    expect(rows.slice(0, 7).map((row) => row["site"])).toEqual(
      Array.from({ length: 7 }, () => "azure-westeurope"),
    );
  });

  test("one that is asked for and missing is pending, and written again by the asking", async () => {
    const { url } = await world.start({ ...PATIENT, RECEIPTS_RECHECK_MAX: "0" });
    const { body: order } = await place(url, "lost");
    const [row] = await world.allStored(1);
    await world.objects().delete(String(row?.["key"]));
    const answer = await askReceipt(url, order["id"]);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([202, "1"]);
    await eventually(
      () => askReceipt(url, order["id"]),
      ({ status }) => status === 200,
    );
  });
});

describe("the program that reissues", () => {
  const program = fileURLToPath(new URL("../src/reissue.ts", import.meta.url));

  async function reissue(
    ...args: string[]
  ): Promise<{ readonly code: number; readonly text: string }> {
    const env = { ...process.env, ...world.environment };
    return promisify(execFile)(process.execPath, [program, ...args], { env }).then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      (error: { code: number; stderr: string }) => ({ code: error.code, text: error.stderr }),
    );
  }

  test("has receipts of a lost bucket written again, and those set aside once the way is free", async () => {
    const { url } = await world.start({ RECEIPTS_RECHECK_MAX: "0" });
    await placeMany(url, 3, "lost");
    const rows = await world.allStored(3);
    for (const { key } of rows) await world.objects().delete(String(key));
    await world.sql(
      "update receipts set stored_at = null, set_aside_reason = 'x' where order_id = 2",
    );

    expect(await reissue("--orders", "1,99")).toEqual({
      code: 0,
      text: "1 receipts are written again if they are missing\n",
    });
    await eventually(
      () => world.objects().head("receipts/1.json"),
      (object) => object !== null,
    );
    expect((await reissue("--since", "2020-01-01T00:00:00Z")).text).toMatch(/^[23] receipts/);
    await world.allStored(3);
    for (const { key } of rows) expect(await world.objects().head(String(key))).not.toBeNull();
  });

  test.each([
    [[], "say which"],
    [["--orders", "1", "--since", "2020-01-01T00:00:00Z"], "say which"],
    [["--since", "yesterday"], "--since: must be a time"],
    [["--orders", "1,x"], "--orders: must be"],
    [["--everything"], "Unknown option"],
  ])("refuses %j", async (args, sentence) => {
    expect(await reissue(...args)).toEqual({ code: 2, text: expect.stringContaining(sentence) });
  });

  test("is refused where the site may not write", async () => {
    const { url } = await world.start();
    await place(url, "kept");
    await world.allStored(1);
    await world.sql(CLOSE_WRITES);
    const refused = await reissue("--orders", "1");
    await world.sql(OPEN_WRITES);
    expect([refused.code, refused.text]).toEqual([
      1,
      expect.stringContaining("cannot be reissued"),
    ]);
  });
});
