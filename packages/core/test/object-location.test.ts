import { describe, expect, test } from "vitest";
import { locationsOverlap, objectLocation, type ObjectLocation } from "../src/index.ts";

function s3(container: string, prefix = "", endpoint?: string): ObjectLocation {
  return objectLocation(
    "s3",
    { container, prefix },
    endpoint === undefined ? null : new URL(endpoint),
  );
}

function blob(container: string, prefix = "", endpoint?: string): ObjectLocation {
  return objectLocation(
    "azblob",
    { container, prefix },
    endpoint === undefined ? null : new URL(endpoint),
  );
}

const OWN = "http://127.0.0.1:9000";

describe("two places of objects", () => {
  test.each([
    ["one place", s3("b"), s3("b")],
    ["a folder of the other", s3("b", "backup/"), s3("b")],
    ["the whole of which the other is a folder", s3("b", "", OWN), s3("b", "backup/", OWN)],
    ["one server under two spellings", s3("b", "", OWN), s3("b", "", `${OWN}/`)],
    ["the cloud by its own name", s3("b"), s3("b", "", "https://s3.eu-central-1.amazonaws.com")],
    ["an account by its own name", blob("a/c"), blob("a/c", "", "https://a.blob.core.windows.net")],
  ])("overlap if one is %s", (_what, one, other) => {
    expect(locationsOverlap(one, other)).toBe(true);
    expect(locationsOverlap(other, one)).toBe(true);
  });

  test.each([
    ["two folders", s3("b", "one/"), s3("b", "two/")],
    ["folders of which one name begins with the other", s3("b", "one/"), s3("b", "one-more/")],
    ["two buckets", s3("b"), s3("b2")],
    ["two servers", s3("b", "", OWN), s3("b", "", "http://127.0.0.1:9001")],
    ["a server and the cloud", s3("b", "", OWN), s3("b")],
    ["two clouds", s3("a/c"), blob("a/c")],
    ["two containers of an account", blob("a/c"), blob("a/d")],
  ])("do not overlap if they are %s", (_what, one, other) => {
    expect(locationsOverlap(one, other)).toBe(false);
  });
});
