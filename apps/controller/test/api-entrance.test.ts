import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Problem } from "../src/api/schemas/problem-schema.ts";
import { get, ORDER, send } from "./api-client.ts";
import { type FakeWorld, fakeWorld, TOKEN } from "./fake-world.ts";

let world: FakeWorld;

beforeEach(async () => {
  world = await fakeWorld();
});

afterEach(async () => {
  await world.app.close();
});

describe("the entrance", () => {
  test.each<[string, Record<string, string>]>([
    ["no token", {}],
    ["a wrong token", { authorization: "Bearer wrong" }],
    ["the token of another scheme", { authorization: `Basic ${TOKEN}` }],
    ["half the token", { authorization: `Bearer ${TOKEN.slice(0, 20)}` }],
    ["an empty token", { authorization: "Bearer " }],
  ])("refuses %s", async (_, headers) => {
    const { status, body } = await get(world, "/v1/status", headers);
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: "UNAUTHORIZED", status: 401 });
    expect(JSON.stringify(body)).not.toContain(TOKEN);
  });

  test("tells a stranger nothing about which routes exist", async () => {
    expect((await get(world, "/v1/nonsense", {})).status).toBe(401);
  });

  test.each(["/live", "/metrics", "/public/status"])("lets everybody read %s", async (url) => {
    const response = await world.app.inject({ method: "GET", url });
    expect(response.statusCode).toBe(200);
  });

  test("answers an unknown route with a problem document", async () => {
    const { status, body } = await get(world, "/v1/nonsense?token=x");
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: "NOT_FOUND", detail: "there is no GET /v1/nonsense" });
  });

  test("sends security headers and the request id with every answer", async () => {
    const response = await world.app.inject({
      method: "GET",
      url: "/v1/status",
      headers: { "x-request-id": "trace-1" },
    });
    expect(response.headers).toMatchObject({
      "content-type": "application/problem+json",
      "x-request-id": "trace-1",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cache-control": "no-store",
    });
    expect(response.json<Problem>().requestId).toBe("trace-1");
  });

  test("makes a request id of its own when the given one could forge a log line", async () => {
    const response = await world.app.inject({
      method: "GET",
      url: "/live",
      headers: { "x-request-id": 'a b"c' },
    });
    expect(response.headers["x-request-id"]).toMatch(/^[\da-f-]{36}$/);
  });
});

describe("a request that is not valid", () => {
  test.each([
    ["an unknown key", { ...ORDER, extra: 1 }],
    ["an unknown kind", { ...ORDER, kind: "explode" }],
    ["no reason", { ...ORDER, reason: " " }],
    ["no name", { ...ORDER, by: undefined }],
    ["a name that could forge a log line", { ...ORDER, by: "ada\noperator:eve" }],
    ["a list", []],
  ])("is refused with what is wrong: %s", async (_, body) => {
    const answer = await send(world, "POST /v1/runs", body, { "idempotency-key": "k" });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("BAD_REQUEST");
    expect(answer.body.errors?.length).toBeGreaterThan(0);
    expect(world.room.orders).toBe(0);
  });

  test("names the field", async () => {
    const { body } = await send(world, "POST /v1/plans", { kind: "explode" });
    expect(body.errors?.map(({ path }) => path)).toEqual(["body.kind"]);
    expect(body.errors?.[0]?.message).toContain("Invalid option");
  });

  test.each([
    ["text that is not JSON", "{", 400],
    ["a body that is too large", JSON.stringify({ reason: "x".repeat(70_000) }), 413],
  ])("is refused: %s", async (_, text, status) => {
    const answer = await send(world, "POST /v1/plans", text);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ code: "BAD_REQUEST", status });
  });

  test("is refused: another content type", async () => {
    const answer = await send(world, "POST /v1/plans", "<a/>", {
      "content-type": "application/xml",
    });
    expect(answer.status).toBe(415);
  });

  test.each(["0", "201", "many"])("is refused: a limit of %s", async (limit) => {
    expect((await get(world, `/v1/runs?limit=${limit}`)).status).toBe(400);
  });
});

describe("an unexpected failure", () => {
  test("leaks nothing but is logged under its request id", async () => {
    world.room.orderFailure = new Error("connect to postgresql://root:hunter2@db failed");
    const { status, body } = await send(world, "POST /v1/runs", ORDER, {
      "idempotency-key": "k1",
    });
    expect(status).toBe(500);
    expect(body).toEqual({
      type: "about:blank",
      title: "Internal error",
      status: 500,
      code: "INTERNAL",
      detail: "something failed inside the controller",
      hint: "Search the controller's log for the request id.",
      requestId: body.requestId,
    });
    expect(world.log.join("")).toContain(body.requestId);
  });

  test("never puts the token into the log", async () => {
    await get(world, "/v1/status");
    await get(world, "/v1/nonsense");
    expect(world.log.join("")).not.toContain(TOKEN);
  });
});
