import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { checkStored, expectedRange, type WireAnswer } from "@cloudphoenix/objects/wire";

const RANGE = { firstByte: 10, lastByte: 19 };

function answerAbout(range?: string): WireAnswer {
  const headers = range === undefined ? {} : { "content-range": range };
  return { status: 206, headers, body: new IncomingMessage(new Socket()) };
}

describe("a range", () => {
  test("is expected with its length; its hash nobody knows", () => {
    const answer = answerAbout("bytes 10-19/900");
    expect(expectedRange(answer, RANGE, "k")).toEqual({ what: "k", sizeBytes: 10, md5: null });
    expect(answer.body.destroyed).toBe(false);
  });

  test.each([["bytes 0-19/900"], [undefined]])(
    "answered about %s is refused, and its connection ends",
    (range) => {
      const answer = answerAbout(range);
      expect(() => expectedRange(answer, RANGE, "k")).toThrow(
        expect.objectContaining({ code: "OBJECT_CORRUPT" }),
      );
      expect(answer.body.destroyed).toBe(true);
    },
  );
});

describe("what a store says it keeps", () => {
  test.each([["ab"], [null]])("is believed: %s", (stored) => {
    expect(() => checkStored("k", stored, "ab")).not.toThrow();
  });

  test("is refused if it is not what was sent, to be sent again", () => {
    expect(() => checkStored("k", "cd", "ab")).toThrow(
      expect.objectContaining({ code: "OBJECT_CORRUPT", retryable: true }),
    );
  });
});
