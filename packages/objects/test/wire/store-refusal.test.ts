import { describe, expect, test } from "vitest";
import { refusalError, type StoreRefusal } from "../../src/wire/index.ts";

const CONTEXT = { address: "s3://b", doing: "reading k", notFound: "OBJECT_GONE" } as const;

function errorOf(refusal: Partial<StoreRefusal>): ReturnType<typeof refusalError> {
  return refusalError({ status: 400, code: "", message: "", ...refusal }, CONTEXT);
}

describe("a refusal", () => {
  test.each([
    ["ExpiredToken", 400],
    ["ExpiredToken", 403],
    ["InvalidToken", 400],
    ["TokenRefreshRequired", 400],
    ["RequestTimeTooSkewed", 403],
    ["InvalidAuthenticationInfo", 400],
    // S3 answers a HEAD without a body: nobody knows what it was.
    ["", 400],
  ])("for credentials or time (%s, %i) is not about the object, and passes", (code, status) => {
    expect(errorOf({ code, status })).toMatchObject({
      code: "OBJECT_STORE_DENIED",
      retryable: true,
      hint: expect.stringContaining("clock"),
    });
  });

  test("for want of a right is for a person, and repeats nothing of what was signed", () => {
    const error = errorOf({ status: 403, code: "SignatureDoesNotMatch", message: "AWS4 abc" });

    expect(error).toMatchObject({ code: "OBJECT_STORE_DENIED", retryable: false });
    expect(error.message).not.toContain("abc");
  });

  test.each([
    [400, "InvalidRequest", "OBJECT_REFUSED", false],
    [404, "", "OBJECT_GONE", false],
    [404, "NoSuchBucket", "NOT_FOUND", false],
    [412, "", "OBJECT_CHANGED", false],
    [503, "SlowDown", "OBJECT_STORE_UNREACHABLE", true],
    [500, "", "OBJECT_STORE_UNREACHABLE", true],
  ])("with %i %s is %s", (status, code, meant, retryable) => {
    expect(errorOf({ status, code })).toMatchObject({ code: meant, retryable });
  });
});
