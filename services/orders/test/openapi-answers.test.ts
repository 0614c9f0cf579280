// What the document promises is what is answered: every route's answers, read as its clients read them,
// are parsed with the schemas of the document; receipts too, which no schema sees on their way out.
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { startS3 } from "../../../packages/chassis/test/storage-world.ts";
import { place } from "./orders-world.ts";
import { openReceiptsWorld, type ReceiptsWorld } from "./receipts-world.ts";

type JsonSchema = Parameters<typeof z.fromJSONSchema>[0];

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

let world: ReceiptsWorld;
let url: string;
/** The same with no request left for anybody. */
let limitedUrl: string;
let document: OpenApi;
let orderId: string;

beforeAll(async () => {
  world = await openReceiptsWorld(startS3);
  await world.reset();
  url = (await world.start()).url;
  limitedUrl = (await world.start({ RATE_LIMIT_PER_MINUTE: "1" })).url;
  document = JSON.parse(await (await fetch(`${url}/openapi.json`)).text());
  orderId = String((await place(url, "documented")).body["id"]);
  await world.allStored(1);
  await fetch(`${limitedUrl}/orders`);
});

afterAll(() => world.close());

/** The answer's status, and what the document's schema for it says of its bytes. */
async function checked(
  route: string,
  base: string,
  init: RequestInit,
): Promise<readonly [number, unknown]> {
  const [method = "", path = ""] = route.split(" ");
  const address = base + path.replace("{id}", orderId);
  const answer = await fetch(address, { ...init, method: method.toUpperCase() });
  const mediaType = answer.headers.get("content-type")?.split(";")[0] ?? "";
  const { responses } = document.paths[path.split("?")[0] ?? ""]?.[method] ?? { responses: {} };
  const promised = responses[answer.status] ?? responses["default"];
  const { success, error } = parserOf(promised?.content[mediaType]?.schema).safeParse(
    JSON.parse(await answer.text()),
  );
  return [answer.status, success || error];
}

function parserOf(schema: object | undefined): z.ZodType {
  if (schema === undefined) throw new Error("the document promises no such answer");
  const whole = JSON.stringify({ ...schema, $defs: document.components.schemas });
  const schemaHere: JsonSchema = JSON.parse(whole.replaceAll("#/components/schemas/", "#/$defs/"));
  return z.fromJSONSchema(schemaHere);
}

const JSON_TYPE = { "content-type": "application/json" };
const draft = JSON.stringify({ customer: "Ada", items: [{ sku: "tea-1", quantity: 2 }] });

const SUCCESSES: Readonly<Record<string, readonly [number, RequestInit]>> = {
  "post /orders": [201, { headers: { ...JSON_TYPE, "idempotency-key": "new" }, body: draft }],
  "get /orders": [200, {}],
  "get /orders?key=documented": [200, {}],
  "get /orders/{id}": [200, {}],
  "get /orders/{id}/receipt": [200, {}],
  "get /receipts": [200, {}],
  "get /receipts/set-aside": [200, {}],
  "post /orders/{id}/cancel": [200, {}],
};

test("every route of the document is asked", () => {
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(Object.keys(SUCCESSES)).toEqual(expect.arrayContaining(routes));
});

test.each(Object.entries(SUCCESSES))(
  "%s answers what is promised",
  async (route, [status, init]) => {
    expect(await checked(route, url, init)).toEqual([status, true]);
  },
);

test.each(Object.entries(SUCCESSES))("%s refuses as is promised", async (route, [, init]) => {
  expect(await checked(route, limitedUrl, init)).toEqual([429, true]);
});

test.each([
  ["post /orders", { headers: JSON_TYPE, body: draft }, 400],
  ["get /orders?limit=0", {}, 400],
  ["get /receipts/set-aside?limit=0", {}, 400],
])("%s refuses what is wrong as is promised", async (route, init, status) => {
  expect(await checked(route, url, init)).toEqual([status, true]);
});

test("what the document does not promise is noticed", () => {
  const receipt = {
    receipt: 1,
    orderId: "1",
    number: "1",
    customer: "Ada",
    items: [],
    placedAt: "x",
  };
  const { schema } =
    document.paths["/orders/{id}/receipt"]?.["get"]?.responses["200"]?.content[
      "application/json"
    ] ?? {};
  expect(parserOf(schema).safeParse(receipt).success).toBe(false);
  const whole = { ...receipt, placedAt: "2026-01-01T00:00:00.000Z" };
  expect(parserOf(schema).safeParse(whole).success).toBe(true);
  expect(parserOf(schema).safeParse({ ...whole, note: "x" }).success).toBe(false);
});
