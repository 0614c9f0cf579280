/** The part of the object store contract about URLs: giving them out, and copying what they open. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type {
  ObjectStore,
  SecretUrl,
  UrlCopyOutcome,
  UrlSource,
  WriteRequest,
} from "@cloudphoenix/objects";
import { expect, test } from "vitest";
import {
  ABSENT,
  bodyOf,
  type CurrentStore,
  HARD_KEYS,
  type ObjectStoreContract,
  requestFor,
  SIGNAL,
  textOf,
} from "./object-store-harness.ts";

const VALID_MS = 60_000;

/** Declares the tests of a store that gives out URLs. */
export function givenUrlTests(current: CurrentStore): void {
  const open = async (url: SecretUrl): Promise<string | null> => {
    const bytes = await needed(current().openUrl)(url.reveal());
    return bytes === null ? null : Buffer.from(bytes).toString();
  };
  const urlOf = (key: string, signal = SIGNAL): Promise<SecretUrl> => {
    const { store } = current();
    return needed(store.readUrl?.bind(store))(key, VALID_MS, signal);
  };

  test("gives a URL that opens what is under the key when it is read", async () => {
    const { store } = current();
    const url = await urlOf("k");
    expect(await open(url)).toBeNull();
    await store.write(requestFor("k"), bodyOf("one"), SIGNAL);
    expect(await open(url)).toBe("one");
    await store.write(requestFor("k"), bodyOf("two"), SIGNAL);

    expect(await open(url)).toBe("two");
  });

  test.each(HARD_KEYS)("gives a URL of the key %j", async (key) => {
    await current().store.write(requestFor(key), bodyOf(key), SIGNAL);

    expect(await open(await urlOf(key))).toBe(key);
  });

  test("gives no URL once its signal has aborted", async () => {
    await expect(urlOf("k", AbortSignal.abort())).rejects.toMatchObject({ code: "ABORTED" });
  });
}

/** Declares the tests of a store that copies from URLs. */
export function urlCopyTests(current: CurrentStore, contract: ObjectStoreContract): void {
  const copy = (
    request: WriteRequest,
    source: Pick<UrlSource, "url" | "md5" | "sizeBytes">,
    signal = SIGNAL,
  ): Promise<UrlCopyOutcome> => copyVia(current().store)(request, source, signal);
  const put = (text: string | null): Promise<SecretUrl> =>
    needed(current().elsewhere)(text === null ? null : Buffer.from(text));
  const sourceOf = async (text: string): Promise<Pick<UrlSource, "url" | "md5" | "sizeBytes">> => ({
    url: await put(text),
    md5: bodyOf(text).md5,
    sizeBytes: Buffer.byteLength(text),
  });

  test.each(["from elsewhere", ""])("stores %j as if it had been written", async (text) => {
    const { store } = current();
    const properties = {
      contentType: "text/html; charset=utf-8",
      contentEncoding: "gzip",
      contentDisposition: 'attachment; filename="a b.html"',
      contentLanguage: "de-DE",
      cacheControl: "max-age=60, private",
      metadata: { plain: "value", "with-dash": "grüße 😀" },
      tags: store.capabilities.tags ? { tier: "gold", "cost centre": "a+b=c" } : {},
      stamp: "v1/etag-of-source/-",
    };

    const outcome = await copy(requestFor("k", { properties }), await sourceOf(text));
    await store.write(requestFor("written", { properties }), bodyOf(text), SIGNAL);

    const copied = await store.head("k", SIGNAL);
    const written = await store.head("written", SIGNAL);
    const sizeBytes = Buffer.byteLength(text);
    expect(outcome).toMatchObject({ kind: "stored", stored: { sizeBytes, etag: copied?.etag } });
    expect(copied?.properties).toEqual(written?.properties);
    expect([copied?.md5, copied?.sizeBytes]).toEqual([written?.md5, written?.sizeBytes]);
    expect(await textOf(store.read({ key: "k", etag: copied?.etag ?? "" }, SIGNAL))).toBe(text);
  });

  test("takes no property from what the URL's host says, and leaves none of what was there", async () => {
    const { store } = current();
    const old = { ...requestFor("k").properties, metadata: { a: "1" }, stamp: "one" };
    await store.write(requestFor("k", { properties: old }), bodyOf("1"), SIGNAL);
    await store.write(requestFor("plain"), bodyOf("2"), SIGNAL);
    await copy(requestFor("k"), await sourceOf("2"));

    const plain = await store.head("plain", SIGNAL);
    expect((await store.head("k", SIGNAL))?.properties).toEqual(plain?.properties);
  });

  test("stores nothing but the bytes that were meant", async () => {
    const { store } = current();
    const source = { ...(await sourceOf("other bytes")), md5: bodyOf("these bytes").md5 };

    expect(await copy(requestFor("k"), source)).toEqual({ kind: "otherBytes" });
    expect(await store.head("k", SIGNAL)).toBeNull();
  });

  test("says that it cannot read a URL, without saying the URL", async () => {
    const { store } = current();
    const url = await put(null);

    const outcome = await copy(requestFor("k"), { ...bodyOf("x"), sizeBytes: 1, url });

    expect(outcome).toMatchObject({ kind: "unreadable", because: expect.stringMatching(/./) });
    expect(JSON.stringify(outcome)).not.toContain(new URL(url.reveal()).pathname);
    expect(await store.head("k", SIGNAL)).toBeNull();
  });

  test("copies over what is meant, and over nothing else", async () => {
    const { store } = current();
    const changed = { code: "OBJECT_CHANGED" };
    const old = await store.write(requestFor("k"), bodyOf("1"), SIGNAL);
    const { etag } = await store.write(requestFor("k"), bodyOf("2"), SIGNAL);
    const source = await sourceOf("3");

    for (const condition of [ABSENT, { kind: "unchanged", etag: old.etag } as const]) {
      await expect(copy(requestFor("k", { condition }), source)).rejects.toMatchObject(changed);
    }
    expect((await store.head("k", SIGNAL))?.etag).toBe(etag);
    const meant = { kind: "unchanged", etag } as const;
    expect(await copy(requestFor("k", { condition: meant }), source)).toMatchObject({
      kind: "stored",
    });
    const absent = requestFor("new", { condition: ABSENT });
    expect(await copy(absent, source)).toMatchObject({ kind: "stored" });
  });

  test.each(Object.entries(contract.refusedKeys))(
    "copies nothing to the key %j (%s)",
    async (key) => {
      await expect(copy(requestFor(key), await sourceOf("x"))).rejects.toMatchObject({
        code: "OBJECT_NAME_REFUSED",
      });
    },
  );

  test("copies nothing once its signal has aborted", async () => {
    const late = copy(requestFor("k"), await sourceOf("x"), AbortSignal.abort());

    await expect(late).rejects.toMatchObject({ code: "ABORTED" });
    expect(await current().store.head("k", SIGNAL)).toBeNull();
  });
}

function copyVia(
  store: ObjectStore,
): (
  request: WriteRequest,
  source: Pick<UrlSource, "url" | "md5" | "sizeBytes">,
  signal: AbortSignal,
) => Promise<UrlCopyOutcome> {
  const copyFromUrl = needed(store.copyFromUrl?.bind(store));
  return async (request, { url, md5, sizeBytes }, signal) =>
    copyFromUrl(request, { url, md5, sizeBytes, validMs: VALID_MS }, signal);
}

function needed<T>(part: T | undefined): NonNullable<T> {
  if (part == null) throw new Error("the contract says it does this, and it does not");
  return part;
}
