// Goal: whoever never saw a lost site alive can still say until when that site can have taken writes: its
// lease tells. Where the lease may have been renewed, or does not bind the site, nothing is told.
import { LeaseObserver, type LeaseTerms, type WriterLease } from "@cloudphoenix/engine";
import { afterEach, describe, expect, test } from "vitest";
import { CutWitness, FOREVER, LeaseWorld, STATE_AHEAD_MS, TERMS } from "./lease-world.ts";
import { A, B } from "./simulation.ts";

const LAPSE_MS = TERMS.ttlMs + TERMS.marginMs;
/** How often controllers look. */
const LOOK_MS = 250;

let world: LeaseWorld;

afterEach(() => world.stop());

/** A world in which A renews, and a controller that follows meanwhile. */
async function running(terms: Partial<LeaseTerms> = {}): Promise<LeaseWorld> {
  world = new LeaseWorld(terms);
  await world.start();
  await world.clock.advance(5_000);
  return world;
}

/** A is cut off from the witness; returns when that was. */
async function lost(): Promise<number> {
  world.witnessOfA.lost = true;
  return world.clock.now();
}

async function toldEnd(lease: WriterLease = world.lease, site = A): Promise<number | undefined> {
  return (await lease.forecast(site, FOREVER)).leaseEndedAtMs;
}

/** When A took its last write, given that one is tried every 10 ms until its lease has run out. */
async function lastWriteMs(): Promise<number> {
  let lastMs = Number.NaN;
  while (world.a.accepts) {
    lastMs = world.clock.now();
    await world.clock.advance(10);
  }
  return lastMs;
}

/** A controller that starts now, and how it reaches the witness. */
function newcomer(): { lease: WriterLease; witness: CutWitness; observer: LeaseObserver } {
  const { clock } = world;
  const witness = new CutWitness(world.store);
  const observer = new LeaseObserver({ clock, witness, everyMs: LOOK_MS });
  return { lease: world.newLease(observer, witness), witness, observer };
}

describe("the end of a lease", () => {
  test("is told in the time all controllers share, after the last write and within the lapse", async () => {
    await running();
    const lostMs = await lost();
    const writtenMs = await lastWriteMs();
    await world.clock.advance(10_000);

    const endMs = ((await toldEnd()) ?? Number.NaN) - STATE_AHEAD_MS;

    expect(endMs).toBeGreaterThan(writtenMs);
    expect(endMs).toBeLessThanOrEqual(lostMs + LAPSE_MS + LOOK_MS);
  });

  test("is not told while the lease is renewed, and not before a look has come after it", async () => {
    await running();
    expect(await toldEnd()).toBeUndefined();
    await lost();
    await world.clock.advance(LAPSE_MS - TERMS.renewMs - 10);
    expect(await toldEnd()).toBeUndefined();
    await world.clock.advance(TERMS.renewMs + 2 * LOOK_MS);
    expect(await toldEnd()).toBeDefined();
  });

  test("is not told any more once the site has renewed again", async () => {
    await running();
    await lost();
    await world.clock.advance(10_000);
    expect(await toldEnd()).toBeDefined();

    world.witnessOfA.lost = false;
    await world.clock.advance(TERMS.renewMs + 2 * LOOK_MS);

    expect(world.a.accepts).toBe(true);
    expect(await toldEnd()).toBeUndefined();
  });

  test("is not told by who lost the witness: the site may have renewed without its knowing", async () => {
    await running();
    const { lease, witness, observer } = newcomer();
    await observer.look(FOREVER);
    witness.lost = true;
    await world.clock.advance(LAPSE_MS + 1_000);

    expect(world.a.accepts).toBe(true);
    expect(await lease.forecast(A, FOREVER)).toMatchObject({ degree: "lease-expired" });
    expect(await toldEnd(lease)).toBeUndefined();
    await world.clock.advance(5_000);
    expect(await toldEnd(lease)).toBeUndefined();
  });

  test("is counted from its own first look by who started after the loss", async () => {
    await running();
    await lost();
    await world.clock.advance(60_000);
    const startedMs = world.clock.now();
    const { lease, observer } = newcomer();
    await observer.look(FOREVER);
    await world.clock.advance(LAPSE_MS);
    await observer.look(FOREVER);

    expect(await toldEnd(lease)).toBe(startedMs + LAPSE_MS + STATE_AHEAD_MS);
  });

  test("is not told of a site that lives on promises, nor by the fence of one", async () => {
    await running({ whenWitnessLost: "availability" });
    await lost();
    await world.clock.advance(10_000);
    expect(world.a.accepts).toBe(true);
    expect(await toldEnd()).toBeUndefined();

    const fence = world.lease.fence(A, 2, FOREVER);
    await world.clock.advance(2 * LAPSE_MS);
    expect(await fence).toMatchObject({ degree: "lease-expired" });
    expect(await fence).not.toHaveProperty("leaseEndedAtMs");
  });

  test("is not told of a site that never took it up, nor of one that does not hold it", async () => {
    world = new LeaseWorld();
    await world.lease.establish({ generation: 1, active: A }, FOREVER);
    await world.clock.advance(10_000);
    expect(await toldEnd()).toBeUndefined();

    await running();
    await lost();
    await world.clock.advance(10_000);
    expect(await toldEnd(world.lease, B)).toBeUndefined();
    await world.lease.seal(A, 2, FOREVER);
    await world.clock.advance(LOOK_MS);
    expect(await toldEnd()).toBeUndefined();
  });
});

describe("a fence by lease", () => {
  test("that came long after the last renewal tells when the lease had ended", async () => {
    await running();
    const lostMs = await lost();
    await world.clock.advance(20_000);

    const { leaseEndedAtMs = Number.NaN } = await world.lease.fence(A, 2, FOREVER);

    expect(leaseEndedAtMs - STATE_AHEAD_MS).toBeGreaterThan(lostMs);
    expect(leaseEndedAtMs - STATE_AHEAD_MS).toBeLessThanOrEqual(lostMs + LAPSE_MS + LOOK_MS);
  });

  test("tells a later end if the site had renewed after it was thought to have ended", async () => {
    await running();
    await lost();
    await world.clock.advance(10_000);
    const forecastMs = (await toldEnd()) ?? Number.NaN;
    world.witnessOfA.lost = false;
    await world.clock.advance(TERMS.renewMs + LOOK_MS);
    const renewedMs = world.clock.now() - TERMS.renewMs - LOOK_MS;

    const fence = world.lease.fence(A, 2, FOREVER);
    await world.clock.advance(2 * LAPSE_MS);

    const { leaseEndedAtMs = Number.NaN } = await fence;
    expect(leaseEndedAtMs).toBeGreaterThan(forecastMs);
    expect(leaseEndedAtMs - STATE_AHEAD_MS).toBeGreaterThanOrEqual(renewedMs + LAPSE_MS);
  });
});
