import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ObjectProperties } from "@cloudphoenix/objects";
import { factsOf, type HeaderDialect, propertyHeaders } from "@cloudphoenix/objects/wire";

const DIALECT: HeaderDialect = {
  contentPrefix: "x-cloud-",
  metadataPrefix: "x-meta-",
  tagsHeader: "x-tags",
  encodeName: (name) => Buffer.from(name).toString("hex"),
  decodeName: (encoded) => Buffer.from(encoded, "hex").toString(),
};

const NONE: ObjectProperties = {
  contentType: null,
  contentEncoding: null,
  contentDisposition: null,
  contentLanguage: null,
  cacheControl: null,
  metadata: {},
  tags: {},
  stamp: null,
};

const UNTOLD = { md5: null, tags: {} };

describe("properties as headers", () => {
  test("carry the cloud's prefixes, and nothing that is not there", () => {
    const properties: ObjectProperties = {
      ...NONE,
      contentType: "image/png",
      cacheControl: "max-age=60",
      metadata: { é: "1" },
      tags: { team: "blue & red" },
      stamp: "s",
    };

    expect(propertyHeaders(DIALECT, "k", properties, true)).toEqual({
      "x-cloud-content-type": "image/png",
      "x-cloud-cache-control": "max-age=60",
      "x-meta-c3a9": "1",
      "x-meta-cloudphoenixstamp": "s",
      "x-tags": "team=blue+%26+red",
    });
    expect(propertyHeaders(DIALECT, "k", NONE, true)).toEqual({});
  });

  test("leave tags out where they are not written", () => {
    expect(propertyHeaders(DIALECT, "k", { ...NONE, tags: { team: "blue" } }, false)).toEqual({});
  });

  test("are refused with the object's key where a name cannot be a header's", () => {
    const strict: HeaderDialect = {
      ...DIALECT,
      encodeName: (name, key) => {
        throw new Error(`${key}: ${name}`);
      },
    };
    const properties = { ...NONE, metadata: { "a b": "1" } };
    expect(() => propertyHeaders(strict, "receipts/1", properties, true)).toThrow(
      "receipts/1: a b",
    );
  });
});

describe("headers as facts", () => {
  test("give metadata and stamp back as they were written, whatever they say", () => {
    const metadata = fc.dictionary(fc.string({ minLength: 1 }), fc.string());
    fc.assert(
      fc.property(metadata, fc.option(fc.string()), (written, stamp) => {
        const properties = { ...NONE, metadata: written, stamp };
        const headers = propertyHeaders(DIALECT, "k", properties, true);

        const facts = factsOf(DIALECT, "k", headers, UNTOLD);

        const { metadata: read } = facts.properties;
        expect(new Map(Object.entries(read))).toEqual(new Map(Object.entries(written)));
        expect([facts.stamp, facts.properties.stamp]).toEqual([stamp, stamp]);
      }),
      { examples: [[{ ["__proto__"]: "a name like any other" }, null]] },
    );
  });

  test("tell the size of the whole object, asked for whole or in part", () => {
    const whole = factsOf(DIALECT, "k", { "content-length": "900" }, UNTOLD);
    const headers = { "content-length": "10", "content-range": "bytes 0-9/900" };
    const part = factsOf(DIALECT, "k", headers, UNTOLD);
    expect([whole.sizeBytes, part.sizeBytes]).toEqual([900, 900]);
  });

  test("tell what an answer says in the words of HTTP, and take empty words for none", () => {
    const headers = {
      etag: '"0x8D"',
      "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
      "content-type": "text/plain",
      "content-language": "",
    };
    expect(factsOf(DIALECT, "k", headers, { md5: "ab", tags: { team: "blue" } })).toEqual({
      key: "k",
      sizeBytes: 0,
      etag: "0x8D",
      modifiedMs: 1_767_225_600_000,
      md5: "ab",
      stamp: null,
      properties: { ...NONE, contentType: "text/plain", tags: { team: "blue" } },
    });
  });
});
