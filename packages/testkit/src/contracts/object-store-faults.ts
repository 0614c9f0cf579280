/** The part of the object store contract about a way to the store that misbehaves. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { StoredObject } from "@cloudphoenix/objects";
import { afterEach, expect, test } from "vitest";
import type { FaultyLink } from "../objects/faulty-link.ts";
import {
  bodyOf,
  type CurrentStore,
  NONE,
  pagesOf,
  requestFor,
  SIGNAL,
  textOf,
} from "./object-store-harness.ts";

const BODY = "0123456789".repeat(1000);

/** Declares the tests. */
export function objectStoreFaultTests(current: CurrentStore): void {
  const link = (): FaultyLink => {
    const found = current().link;
    if (found === null) throw new Error("the contract says it has a link, and it has none");
    return found;
  };
  const written = (): Promise<StoredObject> =>
    current().store.write(requestFor("k"), bodyOf(BODY), SIGNAL);
  const unreachable = { code: "OBJECT_STORE_UNREACHABLE", retryable: true };
  const corrupt = { code: "OBJECT_CORRUPT" };

  afterEach(() => {
    link().fault = { kind: "none" };
    link().hits = () => true;
  });

  test.each(["cut", "flip", "shorten"] as const)(
    "fails a body that is %s on its way",
    async (kind) => {
      const { store } = current();
      const { etag } = await written();
      link().fault = { kind };
      const request = { key: "k", etag };

      await expect(textOf(store.read(request, SIGNAL))).rejects.toMatchObject(corrupt);
      const whole = store.readWhole({ ...request, sizeBytes: BODY.length }, SIGNAL);
      await expect(whole).rejects.toMatchObject(corrupt);
    },
  );

  // Nobody knows the hash of a range: of a flipped bit in one, the hash of the whole will tell.
  test.each(["cut", "shorten"] as const)("fails a range that is %s on its way", async (kind) => {
    const { store } = current();
    const { etag } = await written();
    link().fault = { kind };
    const range = { firstByte: 10, lastByte: 5000 };

    await expect(textOf(store.read({ key: "k", etag, range }, SIGNAL))).rejects.toMatchObject(
      corrupt,
    );
  });

  test.each(["hang", "stall"] as const)(
    "ends by its signal when the store does %s",
    async (kind) => {
      const { store } = current();
      const { etag } = await written();
      link().fault = { kind };
      const calls: ((signal: AbortSignal) => Promise<unknown>)[] = [
        (signal) => textOf(store.read({ key: "k", etag }, signal)),
        (signal) => store.readWhole({ key: "k", etag, sizeBytes: BODY.length }, signal),
      ];
      if (kind === "hang") {
        calls.push(
          (signal) => store.head("k", signal),
          (signal) => store.write(requestFor("k"), bodyOf(""), signal),
          (signal) => store.delete("k", NONE, signal),
          (signal) => store.inspect(signal),
          (signal) => collect(store.list({ prefix: "" }, signal)),
        );
      }
      for (const call of calls) {
        const hits = link().hitCount;
        const control = new AbortController();
        const ended = call(control.signal).catch((error: unknown) => error);
        await expect.poll(() => link().hitCount).toBeGreaterThan(hits);
        control.abort();
        expect(await ended).toMatchObject({ code: "ABORTED" });
      }
    },
  );

  test("gives up by itself when nothing moves", async () => {
    const { impatient: store } = current();
    if (store === undefined)
      throw new Error("the contract says it has a link, and nobody is impatient");
    const { etag } = await written();
    for (const kind of ["hang", "stall"] as const) {
      link().fault = { kind };
      await expect(textOf(store.read({ key: "k", etag }, SIGNAL))).rejects.toMatchObject(
        unreachable,
      );
      const whole = store.readWhole({ key: "k", etag, sizeBytes: BODY.length }, SIGNAL);
      await expect(whole).rejects.toMatchObject(unreachable);
    }
  });

  test.each([429, 500, 503])("says that %i may be tried again", async (status) => {
    const { store } = current();
    await written();
    link().fault = { kind: "status", status };

    await expect(store.head("k", SIGNAL)).rejects.toMatchObject(unreachable);
    await expect(written()).rejects.toMatchObject(unreachable);
    await expect(pagesOf(store)).rejects.toMatchObject(unreachable);
    await expect(store.delete("k", NONE, SIGNAL)).rejects.toMatchObject(unreachable);
  });

  test("says that 403 may not", async () => {
    link().fault = { kind: "status", status: 403 };
    const denied = { code: "OBJECT_STORE_DENIED", retryable: false };

    await expect(current().store.head("k", SIGNAL)).rejects.toMatchObject(denied);
    await expect(pagesOf(current().store)).rejects.toMatchObject(denied);
  });

  test("says that a dropped connection may be tried again", async () => {
    await written();
    link().fault = { kind: "drop" };

    await expect(current().store.head("k", SIGNAL)).rejects.toMatchObject(unreachable);
    link().fault = { kind: "none" };
    expect((await current().store.head("k", SIGNAL))?.sizeBytes).toBe(BODY.length);
  });

  test("fails a listing whose second page does not come, or is cut", async () => {
    const { store } = current();
    for (let index = 0; index < 20; index += 1) {
      await store.write(requestFor(`k${index}`), bodyOf(""), SIGNAL);
    }
    link().hits = ({ url }) => /marker=|continuation-token=/.test(url);
    for (const fault of [{ kind: "status", status: 503 }, { kind: "cut" }] as const) {
      link().fault = fault;
      await expect(pagesOf(store)).rejects.toMatchObject({ retryable: true });
    }
    link().fault = { kind: "none" };
    expect((await pagesOf(store)).flat()).toHaveLength(20);
  });
}

async function collect(pages: AsyncIterable<unknown>): Promise<void> {
  for await (const page of pages) void page;
}
