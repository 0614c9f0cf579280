// "ServiceError and its kinds with code, retryable, status; problem+json answers with request id;
// stack traces in debug only; nothing internal leaks."
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  DatabaseError,
  DependencyError,
  DependencyTimeoutError,
  ERROR_KINDS,
  NotFoundError,
  problemOf,
  ReadOnlyError,
  SaturatedError,
  ServiceError,
  StorageError,
  ValidationError,
  WriteUncertainError,
} from "../src/index.ts";
import { ask } from "./chassis-world.ts";
import { serveWith, type ServerWorld } from "./server-world.ts";

const SECRET = "postgres://10.0.0.7 said: relation orders";

describe("every kind", () => {
  test.each([
    [new ValidationError("x"), "BAD_REQUEST", 400, false],
    [new NotFoundError("x"), "NOT_FOUND", 404, false],
    [new ReadOnlyError("x"), "READ_ONLY", 503, true],
    [new WriteUncertainError("x"), "WRITE_UNCERTAIN", 503, true],
    [new SaturatedError("x"), "SATURATED", 503, true],
    [new DependencyError("x"), "DEPENDENCY_UNAVAILABLE", 503, true],
    [new DependencyTimeoutError("x"), "DEPENDENCY_TIMEOUT", 504, true],
    [new DatabaseError(ERROR_KINDS.DATABASE_TIMEOUT, "x"), "DATABASE_TIMEOUT", 504, true],
    [new StorageError(ERROR_KINDS.STORAGE_UNAVAILABLE, "x"), "STORAGE_UNAVAILABLE", 503, true],
  ])("%s has its code, status and answer to retrying", (error, code, status, retryable) => {
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ code, status, retryable });
    expect(error.retryAfterMs !== null).toBe(retryable);
    expect(problemOf(error, "r1")).toEqual({
      type: `urn:problem:${code.toLowerCase().replaceAll("_", "-")}`,
      title: error.title,
      status,
      code,
      detail: "x",
      requestId: "r1",
    });
  });
});

describe("answers", () => {
  let world: ServerWorld;

  beforeAll(async () => {
    world = await serveWith((app) => {
      app.get("/planned", () => {
        throw new DatabaseError(ERROR_KINDS.DATABASE_UNAVAILABLE, "Try again.", {
          cause: new Error(SECRET),
          retryAfterMs: 2_500,
        });
      });
      app.get("/own", () => {
        throw new NotFoundError("There is no such order.", {
          code: "ORDER_NOT_FOUND",
          status: 404,
          title: "No such order",
          retryable: false,
        });
      });
      app.get("/bug", () => {
        throw new TypeError(SECRET);
      });
      app.get("/rude", () => {
        throw Object.assign(new Error(SECRET), { statusCode: 418, code: "EVIL" });
      });
      app.get("/nothing", () => {
        // oxlint-disable-next-line typescript/only-throw-error -- libraries do
        throw SECRET;
      });
    });
  });

  afterAll(() => world.drain());

  test("a planned failure is its problem document, with Retry-After and the request id", async () => {
    const answer = await ask(`${world.url}/planned`, { headers: { "x-request-id": "trace-me" } });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("retry-after")).toBe("3");
    expect(answer.headers.get("x-request-id")).toBe("trace-me");
    expect(answer.body).toEqual({
      type: "urn:problem:database-unavailable",
      title: "The database cannot be reached",
      status: 503,
      code: "DATABASE_UNAVAILABLE",
      detail: "Try again.",
      requestId: "trace-me",
    });
  });

  test("a service's own kind keeps its code", async () => {
    const answer = await ask(`${world.url}/own`);
    expect([answer.status, answer.body["code"]]).toEqual([404, "ORDER_NOT_FOUND"]);
    expect(answer.headers.get("retry-after")).toBeNull();
  });

  test.each(["/bug", "/rude", "/nothing"])("%s says nothing of the inside", async (path) => {
    const answer = await ask(world.url + path);
    expect([answer.status, answer.body["code"]]).toEqual([500, "INTERNAL"]);
    expect(JSON.stringify(answer.body)).not.toContain("10.0.0.7");
  });

  test("a request id that would be harmful in a log is replaced", async () => {
    const answer = await ask(`${world.url}/own`, { headers: { "x-request-id": "a b\tc" } });
    expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("the log has the cause; a stack only while somebody debugs", async () => {
    world.lines.length = 0;
    await ask(`${world.url}/bug`);
    world.logger.level = "debug";
    await ask(`${world.url}/bug`);
    world.logger.level = "info";
    const [quiet, debugging] = world.lines.filter((line) => line["msg"] === "request failed");
    expect(quiet).toMatchObject({ level: "error", err: { type: "TypeError", message: SECRET } });
    expect(quiet?.["err"]).not.toHaveProperty("stack");
    expect(debugging?.["err"]).toHaveProperty("stack");
  });
});
