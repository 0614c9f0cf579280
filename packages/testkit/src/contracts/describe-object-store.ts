/** The promises of `ObjectStore`, as tests any implementation must pass. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import { compareKeys } from "@cloudphoenix/objects";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { objectStoreFaultTests } from "./object-store-faults.ts";
import {
  ABSENT,
  BARE,
  bodyOf,
  type CurrentStore,
  HARD_KEYS,
  NONE,
  type ObjectStoreContract,
  type ObjectStoreHarness,
  type OpenedStore,
  pagesOf,
  requestFor,
  SIGNAL,
  textOf,
} from "./object-store-harness.ts";
import { objectStoreUploadTests } from "./object-store-uploads.ts";
import { givenUrlTests, urlCopyTests } from "./object-store-urls.ts";

const SMALL_PAGE = 7;

/** Declares the suite for one implementation. */
export function describeObjectStore(contract: ObjectStoreContract): void {
  describe(`object store contract, exercised: ${contract.name}`, () => {
    let harness: ObjectStoreHarness;
    let opened: OpenedStore;
    const current: CurrentStore = () => opened;

    beforeAll(async () => {
      harness = await contract.setup();
    });
    afterAll(async () => {
      await harness.stop();
    });
    beforeEach(async () => {
      opened = await harness.open({ pageSize: SMALL_PAGE });
    });

    contentTests(current);
    keyTests(current, contract);
    listTests(current);
    conditionTests(current);
    objectStoreUploadTests(current);
    if (contract.givesUrls) givenUrlTests(current);
    if (contract.readsUrls) urlCopyTests(current, contract);
    if (contract.hasLink) objectStoreFaultTests(current);
  });
}

function contentTests(current: CurrentStore): void {
  test("says that it copies from URLs if and only if it does", () => {
    const { store } = current();

    expect(store.capabilities.urlCopy === null).toBe(store.copyFromUrl === undefined);
  });

  test("gives back the bytes and everything that belongs to them", async () => {
    const { store } = current();
    const properties = {
      contentType: "text/html; charset=utf-8",
      contentEncoding: "gzip",
      contentDisposition: 'attachment; filename="a b.html"',
      contentLanguage: "de-DE",
      cacheControl: "max-age=60, private",
      metadata: {
        plain: "value",
        "with-dash": "dashed",
        "x.y": "dotted",
        _x2d: "looks escaped",
        text: "grüße 😀",
        edges: " blanks around ",
        word: "=?UTF-8?B?YQ==?=",
      },
      tags: store.capabilities.tags ? { tier: "gold", "cost centre": "a+b=c" } : {},
      stamp: "v1:etag-of-source",
    };
    const body = bodyOf("hello");
    const stored = await store.write(requestFor("k", { properties }), body, SIGNAL);
    const facts = await store.head("k", SIGNAL);

    expect(stored.sizeBytes).toBe(5);
    expect(facts).toMatchObject({
      key: "k",
      sizeBytes: 5,
      etag: stored.etag,
      stamp: properties.stamp,
    });
    expect(facts?.properties).toEqual(properties);
    expect([body.md5, null]).toContain(facts?.md5);
    expect(facts?.modifiedMs).toBeGreaterThan(Date.UTC(2020, 0));
    expect(await textOf(store.read({ key: "k", etag: stored.etag }, SIGNAL))).toBe("hello");
    const whole = await store.readWhole({ key: "k", etag: stored.etag, sizeBytes: 5 }, SIGNAL);
    expect(Buffer.from(whole.bytes).toString()).toBe("hello");
    expect(whole.md5).toBe(body.md5);
    expect(whole.facts).toEqual(facts);
  });

  test("keeps an object without bytes", async () => {
    const { store } = current();
    const { etag } = await store.write(requestFor("empty"), bodyOf(""), SIGNAL);

    expect(await textOf(store.read({ key: "empty", etag }, SIGNAL))).toBe("");
    const whole = await store.readWhole({ key: "empty", etag, sizeBytes: 0 }, SIGNAL);
    expect(whole.bytes).toHaveLength(0);
    expect((await store.head("empty", SIGNAL))?.sizeBytes).toBe(0);
  });

  test("leaves nothing of the properties of what it overwrites", async () => {
    const { store } = current();
    const properties = { ...BARE, cacheControl: "no-store", metadata: { a: "1" }, stamp: "one" };
    await store.write(requestFor("k", { properties }), bodyOf("1"), SIGNAL);
    await store.write(requestFor("k"), bodyOf("2"), SIGNAL);

    expect((await store.head("k", SIGNAL))?.properties).toEqual(BARE);
  });

  test("reads a part of the bytes, first and last included", async () => {
    const { store } = current();
    const { etag } = await store.write(requestFor("k"), bodyOf("0123456789"), SIGNAL);
    const read = (firstByte: number, lastByte: number): Promise<string> =>
      textOf(store.read({ key: "k", etag, range: { firstByte, lastByte } }, SIGNAL));

    expect(await read(0, 0)).toBe("0");
    expect(await read(3, 6)).toBe("3456");
    expect(await read(9, 9)).toBe("9");
  });

  test("knows nothing of what is not there", async () => {
    const { store } = current();

    expect(await store.head("nothing", SIGNAL)).toBeNull();
    await expect(textOf(store.read({ key: "nothing", etag: "x" }, SIGNAL))).rejects.toMatchObject({
      code: "OBJECT_GONE",
    });
  });

  test("refuses to read a version that is no longer there", async () => {
    const { store } = current();
    const old = await store.write(requestFor("k"), bodyOf("old"), SIGNAL);
    await store.write(requestFor("k"), bodyOf("new"), SIGNAL);
    const request = { key: "k", etag: old.etag };
    const changed = { code: "OBJECT_CHANGED" };

    await expect(textOf(store.read(request, SIGNAL))).rejects.toMatchObject(changed);
    const whole = store.readWhole({ ...request, sizeBytes: 3 }, SIGNAL);
    await expect(whole).rejects.toMatchObject(changed);
    await store.delete("k", NONE, SIGNAL);
    await expect(textOf(store.read(request, SIGNAL))).rejects.toMatchObject({
      code: "OBJECT_GONE",
    });
  });

  test("does not take a body of another length than was listed", async () => {
    const { store } = current();
    const { etag } = await store.write(requestFor("k"), bodyOf("12345"), SIGNAL);
    for (const sizeBytes of [4, 6]) {
      await expect(store.readWhole({ key: "k", etag, sizeBytes }, SIGNAL)).rejects.toMatchObject({
        code: "OBJECT_CORRUPT",
      });
    }
  });

  test("keeps nothing whose MD5 is not the one named", async () => {
    const { store } = current();
    const wrong = { bytes: Buffer.from("a"), md5: bodyOf("b").md5 };

    await expect(store.write(requestFor("k"), wrong, SIGNAL)).rejects.toMatchObject({
      code: "OBJECT_CORRUPT",
    });
    expect(await store.head("k", SIGNAL)).toBeNull();
  });

  test("finds nothing that forbids its use", async () => {
    const findings = await current().store.inspect(SIGNAL);

    expect(findings.filter(({ severity }) => severity === "refuse")).toEqual([]);
  });
}

function keyTests(current: CurrentStore, contract: ObjectStoreContract): void {
  test.each([...HARD_KEYS, ...contract.oddKeys])("holds the key %j and no other", async (key) => {
    const { store } = current();
    const { etag } = await store.write(requestFor(key), bodyOf(key), SIGNAL);

    expect(await pagesOf(store)).toEqual([[key]]);
    expect(await pagesOf(store, { prefix: key.slice(0, -1) })).toEqual([[key]]);
    expect((await store.head(key, SIGNAL))?.key).toBe(key);
    expect(await textOf(store.read({ key, etag }, SIGNAL))).toBe(key);
    await store.delete(key, { kind: "unchanged", etag }, SIGNAL);
    expect(await pagesOf(store)).toEqual([]);
  });

  test.each(Object.entries(contract.refusedKeys))("refuses the key %j: %s", async (key) => {
    const { store } = current();
    const refused = { code: "OBJECT_NAME_REFUSED", retryable: false };

    await expect(store.write(requestFor(key), bodyOf(""), SIGNAL)).rejects.toMatchObject(refused);
    await expect(store.beginUpload(requestFor(key), SIGNAL)).rejects.toMatchObject(refused);
    await expect(store.head(key, SIGNAL)).rejects.toMatchObject(refused);
    await expect(store.delete(key, NONE, SIGNAL)).rejects.toMatchObject(refused);
    const request = { key, etag: "x" };
    await expect(textOf(store.read(request, SIGNAL))).rejects.toMatchObject(refused);
    const whole = store.readWhole({ ...request, sizeBytes: 1 }, SIGNAL);
    await expect(whole).rejects.toMatchObject(refused);
    expect(await pagesOf(store)).toEqual([]);
  });
}

function listTests(current: CurrentStore): void {
  test("lists in the order of UTF-8 bytes, over many pages, each key once", async () => {
    const { store } = current();
    const starts = [
      "a",
      "A",
      "a/",
      "a-",
      "a0",
      "ä",
      "z",
      "\ue000",
      "\ufffd",
      "\u{10000}",
      "\u{1f600}",
    ];
    const keys = starts.flatMap((start) => [
      start,
      `${start}b`,
      `${start}\ufffd`,
      `${start}\u{10000}`,
    ]);
    for (const key of keys) await store.write(requestFor(key), bodyOf(""), SIGNAL);
    const pages = await pagesOf(store);

    expect(pages.flat()).toEqual(keys.toSorted(compareKeys));
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.every((page) => page.length > 0)).toBe(true);
  });

  test("starts after any key, there or not, and keeps to the prefix", async () => {
    const { store } = current();
    const keys = ["p/1", "p/2", "p/\ufffd", "p/\u{10000}", "p/\u{10000}1", "p0", "o", "p"];
    for (const key of keys) await store.write(requestFor(key), bodyOf(""), SIGNAL);
    const inside = keys.filter((key) => key.startsWith("p/")).toSorted(compareKeys);

    expect((await pagesOf(store, { prefix: "p/" })).flat()).toEqual(inside);
    for (const after of [
      "",
      "a",
      "p/",
      "p/1",
      "p/15",
      "p/\ufffd",
      "p/\u{10000}",
      "p/\u{10000}1",
      "q",
    ]) {
      const wanted = inside.filter((key) => compareKeys(key, after) > 0);
      const listed = await pagesOf(store, { prefix: "p/", after });
      expect(listed.flat(), `after ${JSON.stringify(after)}`).toEqual(wanted);
    }
  });

  test("tells size, ETag, time and, where listings tell it, the stamp", async () => {
    const { store } = current();
    const properties = { ...BARE, metadata: { name: "x", blob: "y" }, stamp: "s&<1>" };
    const body = bodyOf("12345");
    const stored = await store.write(requestFor("k", { properties }), body, SIGNAL);
    const entries = [];
    for await (const page of store.list({ prefix: "" }, SIGNAL)) entries.push(...page);
    const facts = await store.head("k", SIGNAL);

    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ key: "k", sizeBytes: 5, etag: stored.etag });
    expect(entries[0]?.stamp).toBe(store.capabilities.listsMetadata ? "s&<1>" : null);
    expect([body.md5, null]).toContain(entries[0]?.md5);
    expect(Math.abs((entries[0]?.modifiedMs ?? 0) - (facts?.modifiedMs ?? 0))).toBeLessThan(1000);
  });

  test("lists an empty store as empty", async () => {
    expect(await pagesOf(current().store)).toEqual([]);
  });
}

function conditionTests(current: CurrentStore): void {
  test("writes under a condition only if it holds", async () => {
    const { store } = current();
    const changed = { code: "OBJECT_CHANGED" };
    const first = await store.write(requestFor("k", { condition: ABSENT }), bodyOf("1"), SIGNAL);
    const again = store.write(requestFor("k", { condition: ABSENT }), bodyOf("2"), SIGNAL);
    await expect(again).rejects.toMatchObject(changed);
    const unchanged = { kind: "unchanged", etag: first.etag } as const;
    const second = await store.write(
      requestFor("k", { condition: unchanged }),
      bodyOf("3"),
      SIGNAL,
    );
    const late = store.write(requestFor("k", { condition: unchanged }), bodyOf("4"), SIGNAL);
    await expect(late).rejects.toMatchObject(changed);

    expect(await textOf(store.read({ key: "k", etag: second.etag }, SIGNAL))).toBe("3");
  });

  test("does not write over a version that was deleted", async () => {
    const { store } = current();
    const { etag } = await store.write(requestFor("k"), bodyOf("1"), SIGNAL);
    await store.delete("k", NONE, SIGNAL);
    const late = store.write(
      requestFor("k", { condition: { kind: "unchanged", etag } }),
      bodyOf("2"),
      SIGNAL,
    );

    await expect(late).rejects.toMatchObject({
      code: expect.stringMatching(/OBJECT_(CHANGED|GONE)/),
    });
    expect(await store.head("k", SIGNAL)).toBeNull();
  });

  test("deletes what is there, what is not there, and nothing else", async () => {
    const { store } = current();
    const { etag } = await store.write(requestFor("k"), bodyOf("1"), SIGNAL);
    await store.write(requestFor("k2"), bodyOf("1"), SIGNAL);
    await store.delete("k", { kind: "unchanged", etag }, SIGNAL);
    await store.delete("k", NONE, SIGNAL);
    await store.delete("k", ABSENT, SIGNAL);

    expect(await pagesOf(store)).toEqual([["k2"]]);
  });

  test("does not delete a version that was not meant", async () => {
    const { store } = current();
    const old = await store.write(requestFor("k"), bodyOf("1"), SIGNAL);
    await store.write(requestFor("k"), bodyOf("2"), SIGNAL);
    const changed = { code: "OBJECT_CHANGED" };

    const late = store.delete("k", { kind: "unchanged", etag: old.etag }, SIGNAL);
    await expect(late).rejects.toMatchObject(changed);
    await expect(store.delete("k", ABSENT, SIGNAL)).rejects.toMatchObject(changed);
    expect(await pagesOf(store)).toEqual([["k"]]);
  });

  test("does nothing once its signal has aborted", async () => {
    const { store } = current();
    const stopped = AbortSignal.abort();
    const aborted = { code: "ABORTED" };

    await expect(store.write(requestFor("k"), bodyOf(""), stopped)).rejects.toMatchObject(aborted);
    await expect(store.head("k", stopped)).rejects.toMatchObject(aborted);
    await expect(store.delete("k", NONE, stopped)).rejects.toMatchObject(aborted);
    await expect(textOf(store.read({ key: "k", etag: "e" }, stopped))).rejects.toMatchObject(
      aborted,
    );
    expect(await store.head("k", SIGNAL)).toBeNull();
  });
}
