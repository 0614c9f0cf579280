import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningService } from "@cloudphoenix/chassis";
import {
  ask,
  CLOSE_WRITES,
  DRAFT,
  eventually,
  openWorld,
  OPEN_WRITES,
  place,
  serve,
  withClient,
  type World,
} from "./orders-world.ts";

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

describe("placing an order", () => {
  test("answers 201 with the stored order, the site and its generation", async () => {
    const answer = await place(service.url, "first", { ...DRAFT, note: "ring\ntwice" });

    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      ...DRAFT,
      note: "ring\ntwice",
      site: "aws-us-east-1",
      generation: 7,
    });
    expect(answer.body["number"]).toMatch(/^ORD-\d+$/);
    const [row] = await world.sql("select number, customer from orders where id = $1", [
      answer.body["id"],
    ]);
    expect(row).toEqual({ number: answer.body["number"], customer: "Ada" });
  });

  test("answers 200 with the same order when the key comes again, whatever the order of fields", async () => {
    const first = await place(service.url, "again");
    const again = await place(service.url, "again", {
      items: [{ quantity: 2, sku: "tea-1" }],
      customer: "Ada",
    });

    expect(again.status).toBe(200);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    expect(again.body).toEqual(first.body);
  });

  test("refuses a key that was used for a different order", async () => {
    const first = await place(service.url, "mismatch");
    const other = await place(service.url, "mismatch", { ...DRAFT, customer: "Eve" });

    expect(other.status).toBe(422);
    expect(other.body["code"]).toBe("IDEMPOTENCY_MISMATCH");
    const stored = await ask(`${service.url}/orders?key=mismatch`);
    expect(stored.body["id"]).toBe(first.body["id"]);
  });

  test("makes one order of a hundred identical requests at once", async () => {
    const answers = await Promise.all(
      // On a busy machine some wait too long for a connection; they come again, as clients do.
      Array.from({ length: 100 }, () =>
        eventually(
          () => place(service.url, "stampede"),
          (answer) => answer.status < 500,
        ),
      ),
    );

    expect(answers.map((answer) => answer.status).filter((status) => status === 201)).toHaveLength(
      1,
    );
    expect(answers.map((answer) => answer.status).filter((status) => status === 200)).toHaveLength(
      99,
    );
    expect(new Set(answers.map((answer) => answer.body["id"])).size).toBe(1);
    const [count] = await world.sql(
      "select count(*)::int as n from orders join idempotency_keys on order_id = id where key = 'stampede'",
    );
    expect(count).toEqual({ n: 1 });
  });

  test("waits for a rival that has not committed and then gives its order", async () => {
    // The rival's row is newer than the waiting statement's snapshot: the hard case of a replay.
    const waiting = await withClient(world.server, "app", async (rival) => {
      await rival.query("begin");
      await rival.query(
        "insert into orders (id, number, customer, items) values (900001, 'ORD-R', 'Ada', $1)",
        [JSON.stringify(DRAFT.items)],
      );
      const [known] = await world.sql(
        "select request_hash from idempotency_keys where key = 'again'",
      );
      await rival.query("insert into idempotency_keys values ('rival', $1, 900001)", [
        known?.["request_hash"],
      ]);
      const answer = place(service.url, "rival");
      await untilLockedOut(world);
      await rival.query("commit");
      return answer;
    });

    expect(waiting.status).toBe(200);
    expect(waiting.body["id"]).toBe("900001");
  });

  test("works without CloudPhoenix and notices when it arrives", async () => {
    const bare = await openWorld({ managed: false });
    const alone = await serve(bare);
    try {
      const before = await place(alone.url, "bare");
      expect(before.status).toBe(201);
      expect(before.body).toMatchObject({ site: "aws-us-east-1", generation: 0 });
      const replay = await place(alone.url, "bare");
      expect(replay.status).toBe(200);
      expect(await untilHealthy(alone.url, "unprepared")).toMatchObject({
        role: "unprepared",
        generation: 0,
        writesOpen: true,
        durability: "async",
      });

      await bare.sql(`create schema cloudphoenix;
        create table cloudphoenix.site as select 'aws-us-east-1'::text as site, 'active'::text as role,
          3::bigint as generation, true as writes_open, 'async'::text as durability;
        grant usage on schema cloudphoenix to app; grant select on cloudphoenix.site to app`);
      expect((await place(alone.url, "managed-now")).body["generation"]).toBe(3);
      expect((await place(alone.url, "managed-now-2")).status).toBe(201);

      await bare.sql("drop schema cloudphoenix cascade");
      expect((await place(alone.url, "removed")).body["generation"]).toBe(0);
    } finally {
      await alone.drain();
      await bare.close();
    }
  });
});

describe("reading orders", () => {
  test("finds an order by id and by key, and says 404 for others", async () => {
    const { body } = await place(service.url, "to-read");

    const byId = await ask(`${service.url}/orders/${String(body["id"])}`);
    const byKey = await ask(`${service.url}/orders?key=to-read`);

    expect(byId.status).toBe(200);
    expect(byKey.body).toEqual(byId.body);
    expect(byId.body).toMatchObject({ id: body["id"], number: body["number"], note: null });
    for (const missing of ["/orders/9223372036854775807", "/orders?key=nobody"]) {
      const answer = await ask(service.url + missing);
      expect([answer.status, answer.body["code"]]).toEqual([404, "ORDER_NOT_FOUND"]);
    }
  });
});

describe("a site that takes no writes", () => {
  test("refuses orders and replays, still reads, and is healthy", async () => {
    const { body } = await place(service.url, "before-fence");
    await world.sql(CLOSE_WRITES);
    try {
      for (const key of ["while-fenced", "before-fence"]) {
        const refused = await place(service.url, key);
        expect([refused.status, refused.body["code"]]).toEqual([503, "READ_ONLY"]);
        expect(refused.headers.get("retry-after")).toBe("1");
        expect(refused.headers.get("content-type")).toMatch(/^application\/problem\+json/);
      }
      expect((await ask(`${service.url}/orders/${String(body["id"])}`)).status).toBe(200);
      expect(await untilHealthy(service.url, "standby")).toMatchObject({ writesOpen: false });
      expect((await ask(`${service.url}/ready`)).status).toBe(200);
    } finally {
      await world.sql(OPEN_WRITES);
    }
    expect((await place(service.url, "while-fenced")).status).toBe(201);
  });
});

describe("what the service says about itself", () => {
  test("reports health with the database and its response time", async () => {
    expect(await untilHealthy(service.url, "active")).toMatchObject({
      site: "aws-us-east-1",
      cloud: "aws",
      region: "us-east-1",
      pod: "orders-1",
      generation: 7,
      durability: "async",
      dependencies: [
        { name: "database", status: "healthy" },
        { name: "writer-lease", status: "healthy" },
      ],
    });
  });

  test("names the cloud that serves", async () => {
    const body = await untilFresh(`${service.url}/cloud-status`, "active");

    expect(body).toEqual({
      site: "aws-us-east-1",
      database: "healthy",
      storage: null,
      cloud: "aws",
      region: "us-east-1",
      pod: "orders-1",
      role: "active",
      generation: 7,
      writesOpen: true,
      leaseRemainingMs: null,
    });
  });

  test("is live and ready", async () => {
    expect((await ask(`${service.url}/live`)).status).toBe(200);
    expect((await ask(`${service.url}/ready`)).status).toBe(200);
  });

  test("counts requests by route, never by path", async () => {
    await place(service.url, "counted");
    await ask(`${service.url}/orders/123456`);

    const text = String((await ask(`${service.url}/metrics`)).body["text"]);

    expect(text).toContain(
      'http_request_duration_seconds_count{site="aws-us-east-1",method="POST",route="/orders",status="201"}',
    );
    expect(text).toContain('route="/orders/:id"');
    expect(text).not.toContain("123456");
    expect(text).toMatch(/orders_placed_total\{outcome="created",site="aws-us-east-1"\} \d+/);
    expect(text).toMatch(
      /database_connections\{pool="work",state="open",site="aws-us-east-1"\} \d+/,
    );
  });

  test("keeps a sane request id, replaces an insane one, and returns it in problems", async () => {
    const kept = await ask(`${service.url}/nowhere`, { headers: { "x-request-id": "abc-1.2_3" } });
    const replaced = await ask(`${service.url}/live`, { headers: { "x-request-id": "a b\tc" } });

    expect(kept.headers.get("x-request-id")).toBe("abc-1.2_3");
    expect(kept.body).toMatchObject({ code: "NOT_FOUND", status: 404, requestId: "abc-1.2_3" });
    expect(replaced.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

/** Probe answers may be a quarter of a second old; asks until the new state shows. */
async function untilFresh(url: string, role: string): Promise<Record<string, unknown>> {
  const answer = await eventually(
    () => ask(url),
    ({ body }) => body["role"] === role,
  );
  return answer.body;
}

/** The health report of a healthy service. A busy machine may make it look slow for a while. */
async function untilHealthy(url: string, role: string): Promise<Record<string, unknown>> {
  const answer = await eventually(
    () => ask(`${url}/health`),
    ({ status, body }) => status === 200 && body["status"] === "healthy" && body["role"] === role,
  );
  return answer.body;
}

/** Resolves once some session of the service waits for a row lock. */
async function untilLockedOut(in_: World): Promise<void> {
  for (;;) {
    const waiting = await in_.sql(
      "select 1 from pg_stat_activity where usename = 'app' and wait_event_type = 'Lock'",
    );
    if (waiting.length > 0) return;
  }
}
