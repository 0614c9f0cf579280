/**
 * What anything must do that calls itself S3 here: the same checks for our own server and for the
 * real one.
 */
import { afterAll, beforeAll, describe } from "vitest";
import { describeListings } from "./listings.ts";
import { describeMultipart } from "./multipart.ts";
import { describeObjects } from "./objects.ts";
import { describeRefusals } from "./refusals.ts";
import { type ConformanceTarget, type Judged, judged } from "./target.ts";
import { describeVersions } from "./versions.ts";

export type { ConformanceTarget } from "./target.ts";

export interface ConformanceOptions {
  /** False skips all by name. */
  readonly isAvailable: boolean;
  readonly keepsVersions: boolean;
}

/** Declares the suite for one S3; `open` is called once. */
export function describeS3Conformance(
  name: string,
  open: () => Promise<ConformanceTarget>,
  { isAvailable, keepsVersions }: ConformanceOptions,
): void {
  describe.skipIf(!isAvailable)(`S3 conformance: ${name}`, () => {
    let current: Judged | null = null;
    const of = (): Judged => {
      if (current === null) throw new Error("the target is not open");
      return current;
    };

    beforeAll(async () => {
      current = judged(await open());
    });

    afterAll(async () => {
      current?.client.destroy();
      await current?.target.close();
    });

    describeObjects(of);
    describeListings(of);
    describeMultipart(of);
    describeVersions(of, keepsVersions);
    describeRefusals(of);
  });
}
