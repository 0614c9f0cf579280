/** What every control of the replicated database must do, as tests. */
import { afterEach, beforeEach, describe } from "vitest";
import { accessTests } from "./database-control-access.ts";
import {
  type DatabaseControlContract,
  type DatabaseControlHarness,
  type LeasedHarness,
} from "./database-control-harness.ts";
import { leaseTests } from "./database-control-lease.ts";
import { lossTests } from "./database-control-loss.ts";
import { promotionTests } from "./database-control-promotion.ts";
import { reachTests } from "./database-control-reach.ts";

/** Declares the suite for one implementation. */
export function describeDatabaseControl(contract: DatabaseControlContract): void {
  const { name, setup, setupLeased, silenceLimitMs } = contract;
  describe(`database control ${name}`, () => {
    const current = fresh(setup);
    accessTests(current);
    promotionTests(current);
    lossTests(current);
    reachTests(current, silenceLimitMs);
  });
  if (setupLeased === null) return;
  describe(`database control ${name}, with a lease`, () => {
    leaseTests(fresh(setupLeased));
  });
}

/** A world for every test of the group that is being declared. */
function fresh<Harness extends DatabaseControlHarness | LeasedHarness>(
  setup: () => Promise<Harness>,
): () => Harness {
  let harness: Harness | null = null;
  beforeEach(async () => {
    harness = await setup();
  });
  afterEach(async () => {
    await harness?.stop();
    harness = null;
  });
  return () => {
    if (harness === null) throw new Error("there is a world only while a test runs");
    return harness;
  };
}
