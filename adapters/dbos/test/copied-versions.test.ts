/** What is known to have been copied, as PostgreSQL keeps it from one process to the next. */
import { COPIED_MAX, type CopiedObject } from "@cloudphoenix/objects";
import { beforeEach, describe, expect, test } from "vitest";
import { openState, query, useStateServer } from "./state-server.ts";

const { freshUrl } = useStateServer();
const A: CopiedObject = { name: "a", etag: "e1", modifiedS: 1_767_225_600, inParts: false };
const VIDEO: CopiedObject = { name: "video", etag: "e2-3", modifiedS: 1, inParts: true };
let url: string;

beforeEach(() => {
  url = freshUrl();
});

describe("copied versions", () => {
  test("are there for the next process, each site's apart", async () => {
    const first = await openState(url);
    await first.copiedVersions.note("aws", [A, VIDEO], 1_000);
    await first.copiedVersions.note("azure", [{ ...A, etag: "e9" }], 1_000);
    await first.close();
    const next = await openState(url);
    expect(await next.copiedVersions.of("aws")).toHaveLength(2);
    expect(await next.copiedVersions.of("aws")).toEqual(expect.arrayContaining([A, VIDEO]));
    expect(await next.copiedVersions.of("azure")).toEqual([{ ...A, etag: "e9" }]);
    await next.close();
  });

  test("are the newest of their name, also if a process that was frozen comes back late", async () => {
    const state = await openState(url);
    await state.copiedVersions.note("aws", [{ ...A, etag: "e5" }], 5_000);
    await state.copiedVersions.note("aws", [A], 1_000);
    expect(await state.copiedVersions.of("aws")).toEqual([{ ...A, etag: "e5" }]);
    await state.copiedVersions.forget("aws", ["a", "unknown"]);
    expect(await state.copiedVersions.of("aws")).toEqual([]);
    await state.close();
  });

  test("go once a mark covers them, but for those in parts", async () => {
    const state = await openState(url);
    await state.copiedVersions.note("aws", [A, VIDEO], 1_000);
    await state.copiedVersions.note("aws", [{ ...A, name: "b" }], 3_000);
    await state.copiedVersions.tidy("aws", Number.NEGATIVE_INFINITY);
    expect(await state.copiedVersions.of("aws")).toHaveLength(3);
    await state.copiedVersions.tidy("aws", 2_000);
    const names = (await state.copiedVersions.of("aws")).map(({ name }) => name);
    expect(names.toSorted()).toEqual(["b", "video"]);
    await state.close();
  });

  test("go, the oldest first, where they are too many", async () => {
    const state = await openState(url);
    await query(
      url,
      `insert into cloudphoenix.object_copied
       select 'shop', 'aws', n::text, 'e', 1, true, n from generate_series(1, $1::int) as n`,
      [COPIED_MAX + 10],
    );
    await state.copiedVersions.tidy("aws", 0);
    const names = new Set((await state.copiedVersions.of("aws")).map(({ name }) => name));
    expect(names.size).toBe(COPIED_MAX);
    expect(names.has("10")).toBe(false);
    expect(names.has("11")).toBe(true);
    await state.close();
  });
});
