import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authorized, type FakeWorld, fakeWorld } from "./fake-world.ts";

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, unknown>>;
}

interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

let world: FakeWorld;
let document: OpenApiDocument;

beforeAll(async () => {
  world = await fakeWorld();
  const response = await world.app.inject({
    method: "GET",
    url: "/openapi.json",
    headers: authorized(),
  });
  document = response.json();
});

afterAll(async () => {
  await world.app.close();
});

function documented(): readonly string[] {
  return Object.entries(document.paths)
    .flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    .toSorted();
}

/** What the router itself says it serves, read from its tree. */
function served(): readonly string[] {
  const lines = world.app.printRoutes({ commonPrefix: false }).split("\n");
  const routes: string[] = [];
  const prefixes: string[] = [];
  for (const line of lines) {
    const match = /^([│ ]*)[├└]── (\S+)(?: \(([A-Z, ]+)\))?$/u.exec(line);
    if (match === null) continue;
    const depth = (match[1] ?? "").length / 4;
    prefixes.length = depth;
    prefixes.push(match[2] ?? "");
    const path = prefixes.join("").replaceAll(/:(\w+)/g, "{$1}");
    for (const method of match[3]?.split(", ") ?? []) routes.push(`${method} ${path}`);
  }
  return routes.toSorted();
}

describe("the OpenAPI document", () => {
  test("is version 3.1", () => {
    expect(document.openapi).toBe("3.1.0");
  });

  test("has every route that is served, and no other", () => {
    expect(served().length).toBeGreaterThan(15);
    expect(documented()).toEqual(served());
  });

  test("names the whole API of version 1", () => {
    expect(documented()).toEqual(
      [
        "GET /live",
        "GET /metrics",
        "GET /openapi.json",
        "GET /public/status",
        "GET /ready",
        "GET /v1/decisions",
        "GET /v1/events",
        "GET /v1/explain",
        "GET /v1/quarantine",
        "GET /v1/quarantine/{site}",
        "GET /v1/quarantine/{site}/objects",
        "GET /v1/quarantine/{site}/rows",
        "GET /v1/replication",
        "GET /v1/replication/setup",
        "GET /v1/runs",
        "GET /v1/runs/{id}",
        "GET /v1/signals",
        "GET /v1/status",
        "POST /v1/plans",
        "POST /v1/quarantine/{site}/accept",
        "POST /v1/quarantine/{site}/exported",
        "POST /v1/quarantine/{site}/reapply",
        "POST /v1/replication/setup",
        "POST /v1/replication/setup/preview",
        "POST /v1/runs",
        "POST /v1/runs/{id}/approve",
        "POST /v1/runs/{id}/cancel",
        "POST /v1/runs/{id}/loss",
        "POST /v1/runs/{id}/pause",
        "POST /v1/runs/{id}/resume",
        "POST /v1/runs/{id}/retry",
        "POST /v1/runs/{id}/skip",
        "PUT /v1/maintenance",
      ].toSorted(),
    );
  });

  test("gives every operation a name of its own, a summary and its answers", () => {
    const operations = Object.values(document.paths).flatMap((one) => Object.values(one));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const operation of operations) {
      expect(operation.summary).toBeTruthy();
      expect(Object.keys(operation.responses)).toContain(
        operation.responses["202"] === undefined ? "200" : "202",
      );
    }
  });

  test("asks for the token everywhere but where machines and pages for everybody ask", () => {
    const open = Object.entries(document.paths)
      .filter(([, operations]) =>
        Object.values(operations).some((one) => one.security?.length === 0),
      )
      .map(([path]) => path);
    expect(open.toSorted()).toEqual(["/live", "/metrics", "/public/status", "/ready"]);
  });

  test("keeps what is shared in components", () => {
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(["Status", "Decision", "Plan", "Run", "Problem", "PublicStatus"]),
    );
  });
});
