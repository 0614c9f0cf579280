import { describe, expect, test } from "vitest";
import { classifyAnswer, classifyFailure } from "../src/classify.ts";

function answer(statusCode: number, body: unknown = ""): Parameters<typeof classifyAnswer>[1] {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { statusCode, body: text, truncated: false };
}

describe("an answer to http-ok", () => {
  test.each([
    [200, "healthy"],
    [204, "healthy"],
    [301, "unhealthy"],
    [404, "unhealthy"],
    [500, "unhealthy"],
    [503, "unhealthy"],
    [401, "unknown"],
    [403, "unknown"],
    [429, "unknown"],
  ])("with HTTP %i is %s", (statusCode, status) => {
    expect(classifyAnswer("http-ok", answer(statusCode))).toMatchObject({ status });
  });
});

const DATABASE_DOWN = {
  status: "unhealthy",
  dependencies: [
    { name: "database", status: "unhealthy", responseMs: 3, error: "connection refused" },
    { name: "cache", status: "degraded", responseMs: 250 },
    { name: "queue", status: "healthy", responseMs: 1 },
  ],
};

describe("an answer to health-json", () => {
  test.each([
    [200, { status: "healthy" }, "healthy", "says healthy"],
    [200, { status: "healthy", detail: "2 of 2 nodes ready" }, "healthy", "2 of 2 nodes ready"],
    [200, { status: "degraded", detail: "1 of 2 nodes" }, "degraded", "1 of 2 nodes"],
    [200, { status: "unhealthy" }, "unhealthy", "says unhealthy"],
    [503, DATABASE_DOWN, "unhealthy", "database unhealthy: connection refused; cache degraded"],
    [503, { status: "degraded" }, "degraded", "says degraded"],
    [503, "upstream connect error", "unhealthy", "HTTP 503 with no health document"],
    [200, "<html>", "unhealthy", "HTTP 200 with no health document"],
    [200, "[]", "unhealthy", "HTTP 200 with no health document"],
    [200, { status: "fine" }, "unhealthy", "HTTP 200 with no health document"],
    [500, { status: "healthy" }, "unhealthy", "HTTP 500"],
    [404, { status: "healthy" }, "unhealthy", "HTTP 404"],
    [401, { status: "healthy" }, "unknown", "HTTP 401: the probe itself was turned away"],
  ])("with HTTP %i and %j is %s", (statusCode, body, status, detail) => {
    expect(classifyAnswer("health-json", answer(statusCode, body))).toEqual({ status, detail });
  });

  test("with a body that is too long is unhealthy", () => {
    const long = { statusCode: 200, body: "", truncated: true };
    expect(classifyAnswer("health-json", long)).toEqual({
      status: "unhealthy",
      detail: "HTTP 200 with a body that is too long",
    });
  });

  test("cannot smuggle control characters or long texts into details", () => {
    const detail = `line one\nERROR forged\u001B[31m\u202E ${"x".repeat(500)}`;
    const verdict = classifyAnswer("health-json", answer(200, { status: "degraded", detail }));
    expect(verdict.detail).toMatch(/^line one ERROR forged \[31m x+…$/u);
    expect(verdict.detail.length).toBe(200);
  });

  test("ignores dependencies that are not what they should be", () => {
    const body = { status: "degraded", detail: "slow", dependencies: [null, 7, { name: 1 }] };
    expect(classifyAnswer("health-json", answer(200, body)).detail).toBe("slow");
  });
});

describe("no answer", () => {
  test.each([
    ["ECONNREFUSED", "unhealthy", "connection refused"],
    ["ECONNRESET", "unhealthy", "connection reset"],
    ["EHOSTUNREACH", "unhealthy", "no route to host"],
    ["ENOTFOUND", "unhealthy", "the name does not exist"],
    ["CERT_HAS_EXPIRED", "unhealthy", "the certificate has expired"],
    ["EMFILE", "unknown", "could not ask: told so"],
    ["EADDRNOTAVAIL", "unknown", "could not ask: told so"],
    ["EAI_AGAIN", "unknown", "could not ask: told so"],
    ["SOMETHING_NEW", "unhealthy", "told so"],
  ])("because of %s is %s", (code, status, detail) => {
    const error = Object.assign(new Error("told so"), { code });
    expect(classifyFailure(error)).toEqual({ status, detail });
  });
});
