/** The part of the object store contract about uploads in parts. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import { hasCode } from "@cloudphoenix/core";
import type { Part, PartUpload, WholeBody } from "@cloudphoenix/objects";
import { expect, test } from "vitest";
import {
  ABSENT,
  BARE,
  bodyOf,
  type CurrentStore,
  pagesOf,
  requestFor,
  SIGNAL,
  textOf,
} from "./object-store-harness.ts";

/** Declares the tests. */
export function objectStoreUploadTests(current: CurrentStore): void {
  /** A body as large as the store wants parts to be. */
  const filled = (letter: string): WholeBody =>
    bodyOf(Buffer.alloc(Math.max(3, current().store.capabilities.partMinBytes), letter));
  const put = (upload: PartUpload, number: number, body: WholeBody): Promise<Part> =>
    current().store.uploadPart(upload, { number, ...body }, SIGNAL);

  test("puts parts together in order, with the properties it was given", async () => {
    const { store } = current();
    const properties = { ...BARE, cacheControl: "no-store", metadata: { "a-b": "c" }, stamp: "s" };
    const request = requestFor("big", { properties });
    const [first, last] = [filled("a"), bodyOf("end")];
    const upload = await store.beginUpload(request, SIGNAL);
    const second = await put(upload, 2, last);
    const parts = [await put(upload, 1, first), second];
    expect(await pagesOf(store)).toEqual([]);
    const md5 = md5Of(first, last);
    const stored = await store.finishUpload({ ...request, upload, parts, md5 }, SIGNAL);
    const facts = await store.head("big", SIGNAL);

    expect(stored.sizeBytes).toBe(first.bytes.length + 3);
    expect(facts).toMatchObject({ etag: stored.etag, sizeBytes: stored.sizeBytes });
    expect(facts?.properties).toEqual(properties);
    expect([md5, null]).toContain(facts?.md5);
    const text = await textOf(store.read({ key: "big", etag: stored.etag }, SIGNAL));
    expect(bodyOf(text).md5).toBe(md5);
  });

  test("tells an MD5 of what was put together, or a hash made of its parts'", async () => {
    const { store } = current();
    const request = requestFor("big");
    const smallest = filled("a");
    const larger = bodyOf(Buffer.concat([smallest.bytes, Buffer.from("more")]));
    const bodies = [smallest, larger, smallest, bodyOf("end")];
    const upload = await store.beginUpload(request, SIGNAL);
    const parts: Part[] = [];
    for (const [index, body] of bodies.entries()) parts.push(await put(upload, index + 1, body));
    const md5 = md5Of(...bodies);
    await store.finishUpload({ ...request, upload, parts, md5 }, SIGNAL);
    const facts = await store.head("big", SIGNAL);
    if (facts === null) throw new Error("it is not there");
    const told = await store.hashOfParts?.(facts, "each", SIGNAL);

    const md5s = bodyOf(Buffer.from(bodies.map((body) => body.md5).join(""), "hex"));
    const ofParts = { md5: md5s.md5, partBytes: bodies.map(({ bytes }) => bytes.length) };
    expect(facts.md5 ?? told).toEqual(facts.md5 === null ? ofParts : md5);
  });

  test("tells no hash of parts of what was stored in one piece, and none of another version", async () => {
    const { store } = current();
    await store.write(requestFor("one"), bodyOf("piece"), SIGNAL);
    const facts = await store.head("one", SIGNAL);
    if (facts === null) throw new Error("it is not there");

    expect((await store.hashOfParts?.(facts, "likely", SIGNAL)) ?? null).toBeNull();
    const other = { ...facts, etag: `${"0".repeat(32)}-2` };
    const asked = store.hashOfParts?.(other, "likely", SIGNAL) ?? Promise.resolve("nothing");
    const told = await asked.catch((error: unknown) => hasCode(error, "OBJECT_CHANGED"));
    expect(["nothing", true]).toContain(told);
  });

  test("replaces a part that is stored again", async () => {
    const { store } = current();
    const request = requestFor("big");
    const upload = await store.beginUpload(request, SIGNAL);
    await put(upload, 1, filled("a"));
    const parts = [await put(upload, 1, filled("b"))];
    const md5 = filled("b").md5;
    const { etag } = await store.finishUpload({ ...request, upload, parts, md5 }, SIGNAL);

    expect(bodyOf(await textOf(store.read({ key: "big", etag }, SIGNAL))).md5).toBe(md5);
  });

  test("goes on with the parts it still has", async () => {
    const { store } = current();
    const request = requestFor("big");
    const [first, last] = [filled("a"), bodyOf("z")];
    const begun = await store.beginUpload(request, SIGNAL);
    await put(begun, 1, first);
    const upload: PartUpload = { ...begun };
    const known = await store.uploadedParts(upload, SIGNAL);
    expect(known).toMatchObject([{ number: 1, sizeBytes: first.bytes.length }]);
    const parts = [...(known ?? []), await put(upload, 2, last)];
    const md5 = md5Of(first, last);
    const { etag } = await store.finishUpload({ ...request, upload, parts, md5 }, SIGNAL);

    expect(bodyOf(await textOf(store.read({ key: "big", etag }, SIGNAL))).md5).toBe(md5);
  });

  test("knows no parts of an upload that is finished or never was", async () => {
    const { store } = current();
    const request = requestFor("big");
    const upload = await store.beginUpload(request, SIGNAL);
    const parts = [await put(upload, 1, filled("a"))];
    await store.finishUpload({ ...request, upload, parts, md5: filled("a").md5 }, SIGNAL);

    expect(await store.uploadedParts(upload, SIGNAL)).toBeNull();
    const never = { key: "never", token: upload.token };
    expect(await store.uploadedParts(never, SIGNAL)).toBeNull();
  });

  test("does not finish an upload that it does not know", async () => {
    const { store } = current();
    const request = requestFor("big");
    const upload = await store.beginUpload(request, SIGNAL);
    const parts = [await put(upload, 1, filled("a"))];
    const finish = { ...request, upload, parts, md5: filled("a").md5 };
    const { etag } = await store.finishUpload(finish, SIGNAL);

    await expect(store.finishUpload(finish, SIGNAL)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect((await store.head("big", SIGNAL))?.etag).toBe(etag);
  });

  test("finishes under a condition only if it holds", async () => {
    const { store } = current();
    const request = requestFor("big", { condition: ABSENT });
    const upload = await store.beginUpload(request, SIGNAL);
    const parts = [await put(upload, 1, filled("a"))];
    const other = await store.write(requestFor("big"), bodyOf("other"), SIGNAL);
    const finish = { ...request, upload, parts, md5: filled("a").md5 };

    await expect(store.finishUpload(finish, SIGNAL)).rejects.toMatchObject({
      code: "OBJECT_CHANGED",
    });
    expect((await store.head("big", SIGNAL))?.etag).toBe(other.etag);
  });

  test("keeps uploads of the same key apart", async () => {
    const { store } = current();
    const request = requestFor("big");
    const one = await store.beginUpload(request, SIGNAL);
    const two = await store.beginUpload(request, SIGNAL);
    const parts = [await put(one, 1, filled("1"))];
    await put(two, 1, filled("2"));
    expect(await store.uploadedParts(one, SIGNAL)).toHaveLength(1);
    const finish = { ...request, upload: one, parts, md5: filled("1").md5 };
    const { etag } = await store.finishUpload(finish, SIGNAL);

    const md5 = bodyOf(await textOf(store.read({ key: "big", etag }, SIGNAL))).md5;
    expect(md5).toBe(filled("1").md5);
  });

  test("takes no part whose MD5 is not the one named", async () => {
    const { store } = current();
    const upload = await store.beginUpload(requestFor("big"), SIGNAL);
    const wrong = { ...filled("a"), md5: filled("b").md5 };

    await expect(put(upload, 1, wrong)).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
    expect((await store.uploadedParts(upload, SIGNAL)) ?? []).toEqual([]);
  });

  test("gives up an upload, twice, and leaves nothing to be seen", async () => {
    const { store } = current();
    const upload = await store.beginUpload(requestFor("big"), SIGNAL);
    await put(upload, 1, filled("a"));
    await store.abortUpload(upload, SIGNAL);
    await store.abortUpload(upload, SIGNAL);

    expect(await pagesOf(store)).toEqual([]);
    expect(await store.head("big", SIGNAL)).toBeNull();
  });
}

function md5Of(...bodies: readonly WholeBody[]): string {
  return bodyOf(Buffer.concat(bodies.map(({ bytes }) => bytes))).md5;
}
