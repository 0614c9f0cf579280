/**
 * The writer lease on the older versions of PostgreSQL. Run with `npm run test:postgres-versions`.
 *
 * It needs their programs, which it takes from npm (60 MB each, once) or from where
 * `CLOUDPHOENIX_PG15_BIN`, `…16…` and `…17…` say. A version without programs is left out by name;
 * where `CI` is true that is a failure.
 */
import { describe, expect, test } from "vitest";
import { describeLease } from "../test/fixture/describe-lease.ts";
import { findBinaries, OLDER_VERSIONS } from "./find-binaries.ts";

/** A version without programs: left out by name, or red where nothing may be left out. */
function describeMissing(name: string, reason: string): void {
  const mayMiss = process.env["CI"] !== "true";
  describe.skipIf(mayMiss)(`the writer lease in ${name} (left out: ${reason})`, () => {
    test("finds its programs", () => {
      expect(reason).toBe("found");
    });
  });
}

for (const major of OLDER_VERSIONS) {
  const name = `PostgreSQL ${major}`;
  const found = await findBinaries(major).catch((error: unknown) => String(error));
  if (typeof found === "string") describeMissing(name, found);
  else describeLease(name, () => Promise.resolve(found));
}
