import { expect, test } from "vitest";
import { ServiceError } from "../src/service-error.ts";
import type { SiteRecord } from "../src/site-record.ts";
import { SiteWatch } from "../src/site-watch.ts";

const RECORD: SiteRecord = {
  site: "aws-us-east-1",
  role: "active",
  generation: 7,
  writesOpen: true,
  leaseLapsed: false,
  durability: "async",
};

/** A watch on a reader whose answers the test gives. */
function watched(read: () => Promise<SiteRecord>): { watch: SiteWatch; reads: () => number } {
  let reads = 0;
  const reader = {
    read: () => {
      reads += 1;
      return read();
    },
  };
  return { watch: new SiteWatch(reader), reads: () => reads };
}

test("asks once for any number of observers at once", async () => {
  const answer = Promise.withResolvers<SiteRecord>();
  const { watch, reads } = watched(() => answer.promise);

  const observers = Array.from({ length: 50 }, () => watch.observe(0));
  answer.resolve(RECORD);

  for (const seen of await Promise.all(observers)) {
    expect(seen).toMatchObject({ record: RECORD, outage: null });
  }
  expect(reads()).toBe(1);
});

test("gives the last answer again while it is young enough, and asks anew when it is not", async () => {
  const { watch, reads } = watched(async () => RECORD);

  const first = await watch.observe(60_000);
  expect(await watch.observe(60_000)).toBe(first);
  expect(reads()).toBe(1);
  await watch.observe(0);
  expect(reads()).toBe(2);
});

test("never waits for a database that does not answer", async () => {
  const { watch } = watched(() => new Promise(() => undefined));

  expect(await watch.observe(0)).toMatchObject({ record: null, outage: "timed out" });
});

test.each([
  [new ServiceError("DATABASE_UNAVAILABLE", ""), "unreachable"],
  [new ServiceError("DATABASE_TIMEOUT", ""), "timed out"],
  [new ServiceError("SATURATED", ""), "not ready"],
  [new Error("secret detail"), "not ready"],
])("says why in words that are safe to publish: %s", async (error, outage) => {
  const { watch } = watched(async () => {
    throw error;
  });

  expect(await watch.observe(0)).toMatchObject({ record: null, outage });
});
