import { afterEach, expect, test } from "vitest";
import { ControllerMetrics, type LeaseNumbers } from "../src/metrics/controller-metrics.ts";

const SITES = ["aws-us-east-1", "azure-westeurope"];

let metrics: ControllerMetrics;

afterEach(() => metrics.close());

async function scrapedWith(lease: LeaseNumbers | null): Promise<string> {
  metrics = new ControllerMetrics({ application: "shop" });
  metrics.watchLease(SITES, () => lease);
  return (await metrics.text()).text;
}

test("a held lease is told with its age, its epoch and its holder", async () => {
  const text = await scrapedWith({ epoch: 4, holder: "azure-westeurope", renewedAgoMs: 1_500 });
  expect(text).toContain('cloudphoenix_lease_renewed_seconds_ago{application="shop"} 1.5');
  expect(text).toContain('cloudphoenix_lease_epoch{application="shop"} 4');
  expect(text).toContain('cloudphoenix_lease_sealed{application="shop"} 0');
  expect(text).toContain('cloudphoenix_lease_holder{site="aws-us-east-1",application="shop"} 0');
  expect(text).toContain('cloudphoenix_lease_holder{site="azure-westeurope",application="shop"} 1');
});

test("a sealed lease has no holder", async () => {
  const text = await scrapedWith({ epoch: 5, holder: null, renewedAgoMs: 0 });
  expect(text).toContain('cloudphoenix_lease_sealed{application="shop"} 1');
  for (const site of SITES) {
    expect(text).toContain(`cloudphoenix_lease_holder{site="${site}",application="shop"} 0`);
  }
});

test("a lease that was never seen is not a number, so that no alert takes it for fresh", async () => {
  const text = await scrapedWith(null);
  expect(text).toMatch(/cloudphoenix_lease_renewed_seconds_ago\{application="shop"\} nan/iu);
});
