import { LeaseObserver } from "@cloudphoenix/engine";
import { afterEach, describe, expect, test } from "vitest";
import { CutWitness, FOREVER, LeaseWorld, TERMS } from "./lease-world.ts";
import { A, B } from "./simulation.ts";

const LAPSE_MS = TERMS.ttlMs + TERMS.marginMs;

let world: LeaseWorld;

afterEach(() => world.stop());

async function running(terms: Partial<typeof TERMS> = {}): Promise<LeaseWorld> {
  world = new LeaseWorld(terms);
  await world.start();
  await world.clock.advance(5_000);
  return world;
}

const nothing = async (): Promise<void> => undefined;

/** Lets time pass until `work` has ended; says how long that took. */
async function timed<T>(
  work: Promise<T>,
): Promise<{ readonly result: T; readonly tookMs: number }> {
  const { clock } = world;
  const sinceMs = clock.now();
  const progress = { ended: false };
  const end = async (): Promise<void> => {
    await Promise.allSettled([work]);
    progress.ended = true;
  };
  void end();
  while (!progress.ended) await clock.advance(10);
  return { result: await work, tookMs: clock.now() - sinceMs };
}

/** A fence whose wait is cut short because another means has proven enough; then B is promoted. */
async function sealedInAHurry(): Promise<void> {
  world.witnessOfA.lost = true;
  const hurry = new AbortController();
  const fence = timed(world.lease.fence(A, 2, hurry.signal));
  await world.clock.advance(300);
  hurry.abort();
  expect((await fence).result.degree).toBe("unproven");
  expect(world.a.accepts).toBe(true);
  world.b.promote(2);
}

describe("a fence by lease", () => {
  test("waits until the last renewal has run out on our own clock", async () => {
    await running();
    const { result, tookMs } = await timed(world.lease.fence(A, 2, FOREVER));
    expect(result).toMatchObject({ means: "lease", degree: "lease-expired" });
    // The last renewal was up to one interval ago.
    expect(tookMs).toBeGreaterThan(LAPSE_MS - TERMS.renewMs - 250);
    expect(tookMs).toBeLessThanOrEqual(LAPSE_MS + 250);
    expect(world.a.accepts).toBe(false);
  });

  test("waits for nothing more when the agent was silent for long enough", async () => {
    await running();
    world.witnessOfA.lost = true;
    await world.clock.advance(LAPSE_MS + 500);
    expect((await timed(world.lease.fence(A, 2, FOREVER))).tookMs).toBeLessThanOrEqual(10);
  });

  test("waits in full in a controller that has just started: it has seen nothing yet", async () => {
    await running();
    world.witnessOfA.lost = true;
    await world.clock.advance(60_000);
    const { clock, store } = world;
    const fresh = world.newLease(new LeaseObserver({ clock, witness: store, everyMs: 250 }));
    expect((await timed(fresh.fence(A, 2, FOREVER))).tookMs).toBeGreaterThanOrEqual(LAPSE_MS);
  });

  test("proves nothing of a site whose agent never took the lease up", async () => {
    world = new LeaseWorld();
    await world.lease.establish({ generation: 1, active: A }, FOREVER);
    const proof = await world.lease.fence(A, 2, FOREVER);
    expect(proof).toMatchObject({ degree: "unproven" });
    expect(proof.detail).toContain("never taken up");
    expect(await world.lease.forecast(A, FOREVER)).toMatchObject({ degree: "unproven" });
  });

  test("proves nothing without the witness, and says why", async () => {
    await running();
    const witness = new CutWitness(world.store);
    const { clock } = world;
    const lease = world.newLease(new LeaseObserver({ clock, witness, everyMs: 250 }), witness);
    witness.lost = true;
    expect(await lease.fence(A, 2, FOREVER)).toMatchObject({
      degree: "unproven",
      detail: "no witness",
    });
  });

  test("is forecast from what the observer saw lately, and not from what it saw long ago", async () => {
    await running();
    const witness = new CutWitness(world.store);
    const { clock } = world;
    const observer = new LeaseObserver({ clock, witness, everyMs: 250 });
    const lease = world.newLease(observer, witness);
    await observer.look(FOREVER);
    witness.lost = true;
    await clock.advance(4_000);
    expect(await lease.forecast(A, FOREVER)).toMatchObject({ degree: "lease-expired" });
    await clock.advance(4_000);
    expect(await lease.forecast(A, FOREVER)).toMatchObject({ degree: "unproven" });
  });

  test("that comes late does not shut the site its own generation has opened", async () => {
    await running();
    await timed(world.moveToB(2));
    const proof = await world.lease.fence(A, 2, FOREVER);
    expect(proof).toMatchObject({ degree: "unproven", detail: `${B} holds the writer lease` });
    await world.clock.advance(10_000);
    expect(world.b.accepts).toBe(true);
  });

  test("does not trust a witness that was set back", async () => {
    await running();
    const old = await world.store.read();
    await timed(world.moveToB(2));
    Reflect.set(world.store, "read", async () => old);
    const proof = await world.lease.fence(B, 3, FOREVER);
    expect(proof.degree).toBe("unproven");
    expect(proof.detail).toContain("the witness has gone back");
  });

  test("an answer that another look overtook is no reason to distrust the witness", async () => {
    await running();
    const { clock, store } = world;
    const slow = new LeaseObserver({
      clock,
      witness: {
        replace: store.replace.bind(store),
        read: async () => {
          const answer = await store.read();
          if (first) {
            first = false;
            await clock.sleep(2_000);
          }
          return answer;
        },
      },
      everyMs: 250,
    });
    let first = true;
    const overtaken = slow.look(FOREVER);
    await clock.advance(1_000);
    await slow.look(FOREVER);
    const newest = slow.seen;
    await clock.advance(2_000);
    expect(await overtaken).toEqual(newest);
  });
});

describe("with availability a fence", () => {
  test("makes the peer refuse and waits for what it has promised", async () => {
    await running({ whenWitnessLost: "availability" });
    world.witnessOfA.lost = true;
    await world.clock.advance(30_000);
    expect(world.a.accepts).toBe(true);

    const { result, tookMs } = await timed(world.lease.fence(A, 2, FOREVER));

    expect(result.degree).toBe("lease-expired");
    expect(tookMs).toBeGreaterThan(LAPSE_MS - TERMS.renewMs - 50);
    expect(world.a.accepts).toBe(false);
  });

  test("waits as long if the peer's clock was set forward, for its promise only seems to be over", async () => {
    await running({ whenWitnessLost: "availability" });
    world.witnessOfA.lost = true;
    await world.clock.advance(30_000);
    world.b.aheadMs += 60_000;

    const { result, tookMs } = await timed(world.lease.fence(A, 2, FOREVER));

    expect(result.degree).toBe("lease-expired");
    expect(tookMs).toBeGreaterThanOrEqual(LAPSE_MS);
    expect(world.a.accepts).toBe(false);
  });

  test("proves nothing while no peer can be told, and says which and why", async () => {
    await running({ whenWitnessLost: "availability" });
    world.b.reachable = false;
    const { result } = await timed(world.lease.fence(A, 2, FOREVER));
    expect(result).toEqual({
      means: "lease",
      degree: "unproven",
      detail: `no peer of ${A} could be told to make no promises: the database does not answer`,
    });
    expect(await world.lease.forecast(A, FOREVER)).toMatchObject({ degree: "unproven" });
  });
});

describe("opening", () => {
  test("installs the lease before the database is opened: a crash in between leaves it shut", async () => {
    await running();
    await timed(world.lease.fence(A, 2, FOREVER));
    world.b.promote(2);
    const crash = new Error("killed");
    const open = (): Promise<void> => Promise.reject(crash);
    await expect(world.lease.open(B, world.grant(2, open), FOREVER)).rejects.toBe(crash);
    expect(world.b.untilMs).not.toBeNull();
    expect(world.b.accepts).toBe(false);
  });

  test("seals and waits itself if the fence of its plan could not reach the witness", async () => {
    await running();
    world.b.promote(2);
    const { tookMs } = await timed(world.lease.open(B, world.grant(2), FOREVER));
    expect(tookMs).toBeGreaterThan(LAPSE_MS - TERMS.renewMs - 250);
    expect([world.a.accepts, world.b.accepts]).toEqual([false, true]);
  });

  test.each(["consistency", "availability"] as const)(
    "waits for a lease that its plan has sealed and not waited for (%s)",
    async (whenWitnessLost) => {
      await running({ whenWitnessLost });
      await sealedInAHurry();

      const { tookMs } = await timed(world.lease.open(B, world.grant(2), FOREVER));

      expect(tookMs).toBeGreaterThan(LAPSE_MS - TERMS.renewMs - 750);
      expect([world.a.accepts, world.b.accepts]).toEqual([false, true]);
    },
  );

  test("does not wait for a sealed lease whose site has confirmed that it stopped", async () => {
    await running();
    await sealedInAHurry();
    world.a.writesOpen = false;

    const grant = { ...world.grant(2), stopped: true };
    const { tookMs } = await timed(world.lease.open(B, grant, FOREVER));

    expect(tookMs).toBeLessThan(100);
  });

  test("is refused for an older generation, and while another site holds this one", async () => {
    await running();
    await timed(world.moveToB(2));
    const older = world.lease.open(A, world.grant(1, nothing), FOREVER);
    await expect(older).rejects.toMatchObject({ code: "STALE_GENERATION" });
    const held = world.lease.open(A, world.grant(2, nothing), FOREVER);
    await expect(held).rejects.toMatchObject({ code: "LEASE_REFUSED" });
  });

  test("again counts as a renewal: whoever seals it later waits for it", async () => {
    await running();
    await timed(world.moveToB(2));
    world.stop();
    await world.observer.look(FOREVER);
    await world.clock.advance(60_000);
    // The same run opens again, a minute after it first did; no agent renews.
    await world.lease.open(B, world.grant(2), FOREVER);
    expect(world.b.accepts).toBe(true);

    const { tookMs } = await timed(world.lease.fence(B, 3, FOREVER));

    expect(tookMs).toBeGreaterThanOrEqual(LAPSE_MS);
    expect(world.b.accepts).toBe(false);
  });

  test("waits for a promise of its own site", async () => {
    await running();
    await world.b.promise({ epoch: 1, durationMs: 8_000 });
    const { result, tookMs } = await timed(world.moveToB(2));
    expect(result).toBe("moved");
    expect(tookMs).toBeGreaterThanOrEqual(8_000);
  });

  test("counts a promise of its own site from the first try on, not anew with each", async () => {
    await running();
    await world.b.promise({ epoch: 1, durationMs: 10 });
    await timed(world.lease.fence(A, 2, FOREVER));
    world.b.promote(2);
    const later = world.newLease();
    const impatient = (): Promise<{ readonly tookMs: number }> => {
      const stop = new AbortController();
      void world.clock.sleep(2_000).then(() => stop.abort());
      return timed(later.open(B, { ...world.grant(2), stopped: true }, stop.signal));
    };

    await expect(impatient()).rejects.toMatchObject({ code: "ABORTED" });
    expect(world.b.accepts).toBe(false);
    await impatient();

    expect(world.b.accepts).toBe(true);
  });

  test("gives up a request that is lost long before the time a lease may take", async () => {
    await running();
    await timed(world.lease.fence(A, 2, FOREVER));
    world.b.promote(2);
    const lost = { ...world.grant(2), open: () => new Promise<void>(() => undefined) };

    await expect(timed(world.lease.open(B, lost, FOREVER))).rejects.toMatchObject({
      code: "TIMED_OUT",
      retryable: true,
    });
  });

  test("is closed again by a seal: its own lease runs out and the old site gets it back", async () => {
    await running();
    await timed(world.moveToB(2));
    expect(world.b.accepts).toBe(true);

    const { result } = await timed(world.lease.fence(B, 2, FOREVER));
    expect(result.degree).toBe("lease-expired");
    expect(world.b.accepts).toBe(false);

    await world.lease.unfence(A, 2, FOREVER);
    Object.assign(world.a, { role: "active", epoch: 2 });
    await world.clock.advance(2_000);
    expect([world.a.accepts, world.b.accepts]).toEqual([true, false]);
  });
});

describe("giving the lease back", () => {
  test("puts a site without any lease under one first", async () => {
    await running();
    await timed(world.lease.fence(A, 2, FOREVER));
    Object.assign(world.a, { role: "fenced", epoch: 2, untilMs: null });
    await world.lease.unfence(A, 2, FOREVER);
    expect(world.a.untilMs).not.toBeNull();
  });

  test("to a site that never took it up still proves nothing of it", async () => {
    world = new LeaseWorld();
    await world.lease.establish({ generation: 1, active: A }, FOREVER);
    await world.lease.fence(A, 2, FOREVER);
    await world.lease.unfence(A, 2, FOREVER);
    expect((await world.lease.fence(A, 3, FOREVER)).degree).toBe("unproven");
  });

  test("is refused while another site holds it", async () => {
    await running();
    await timed(world.moveToB(2));
    const giving = world.lease.unfence(A, 2, FOREVER);
    await expect(giving).rejects.toMatchObject({ code: "LEASE_REFUSED" });
  });
});

describe("establishing", () => {
  test("uses the epoch of the database: a run may have claimed a newer one and done nothing", async () => {
    world = new LeaseWorld();
    expect(await world.lease.establish({ generation: 4, active: A }, FOREVER)).toBe(true);
    expect((await world.store.read())?.lease).toEqual({
      application: "shop",
      epoch: 1,
      holder: A,
      renewals: 0,
    });
  });

  test("waits while the active site is fenced, and refuses roles older than the site", async () => {
    world = new LeaseWorld();
    world.a.role = "fenced";
    expect(await world.lease.establish({ generation: 4, active: A }, FOREVER)).toBe(false);
    Object.assign(world.a, { role: "active", epoch: 9 });
    const older = world.lease.establish({ generation: 4, active: A }, FOREVER);
    await expect(older).rejects.toMatchObject({ code: "CONFLICT" });
    expect(await world.store.read()).toBeNull();
  });
});
