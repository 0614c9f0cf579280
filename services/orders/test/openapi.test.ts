// The document is made from the same schemas as the checks; this shows that nothing is left out.
import type { RunningService } from "@cloudphoenix/chassis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, openWorld, place, serve, type World } from "./orders-world.ts";

let world: World;
let service: RunningService & { readonly url: string };
let document: OpenApi;

interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
  readonly components: {
    readonly schemas: Readonly<
      Record<string, { readonly properties: object; readonly required: readonly string[] }>
    >;
  };
}

beforeAll(async () => {
  world = await openWorld();
  service = await serve(world);
  document = (await ask(`${service.url}/openapi.json`)).body as unknown as OpenApi;
});

afterAll(async () => {
  await service.drain();
  await world.close();
});

test("names every route of the API and nothing else", () => {
  expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "orders" } });
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(routes.toSorted()).toEqual([
    "get /orders",
    "get /orders/{id}",
    "get /orders/{id}/receipt",
    "get /receipts",
    "get /receipts/set-aside",
    "post /orders",
    "post /orders/{id}/cancel",
  ]);
});

test("every route it names is served", async () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods)) {
      const url = service.url + path.replace("{id}", "1");
      const answer = await ask(url, { method: method.toUpperCase() });
      // 404 is also the answer for an order that is not there, but says so.
      expect(answer.body["code"], `${method} ${path}`).not.toBe("NOT_FOUND");
    }
  }
});

test("answers have exactly the fields it promises", async () => {
  const order = (await place(service.url, "documented")).body;
  const schema = document.components.schemas["PlacedOrder"];

  expect(Object.keys(order).toSorted()).toEqual(Object.keys(schema?.properties ?? {}).toSorted());
  expect([...(schema?.required ?? [])].toSorted()).toEqual(Object.keys(order).toSorted());
});
