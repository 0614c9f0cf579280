/** Two workers and one upload: who comes back late leaves alone what has taken its place. */
import type { UploadJournal, UploadRecord } from "@cloudphoenix/objects";
import { expect, test } from "vitest";
import { openState, useStateServer } from "./state-server.ts";

const { freshUrl } = useStateServer();
const PART = { number: 1, sizeBytes: 8_000_000, receipt: "r1", md5: "aa" };

function record(token: string): UploadRecord {
  const key = "large";
  return {
    key,
    sourceEtag: token,
    sizeBytes: 20_000_000,
    partBytes: 8_000_000,
    upload: { key, token },
  };
}

test("an upload that another worker has replaced is neither noted of nor ended any more", async () => {
  const state = await openState(freshUrl());
  try {
    const journal = (): UploadJournal => state.objectMemory("a b").journal;
    const [late, next] = [journal(), journal()];
    await late.begin(record("t1"));
    expect((await next.find("large"))?.record.upload.token).toBe("t1");
    await next.begin(record("t2"));

    await late.partStored("large", PART);
    await late.hashed("large", { parts: 1, state: Uint8Array.from([1]) });
    await late.forget("large");
    const untouched = { record: record("t2"), parts: [], hashed: null };
    expect(await journal().find("large")).toEqual(untouched);

    await next.partStored("large", PART);
    expect((await journal().find("large"))?.parts).toEqual([PART]);
    await next.forget("large");
    expect(await journal().find("large")).toBeNull();
  } finally {
    await state.close();
  }
});
