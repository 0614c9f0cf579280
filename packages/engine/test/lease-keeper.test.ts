import { afterEach, describe, expect, test } from "vitest";
import { FOREVER, LeaseWorld, TERMS } from "./lease-world.ts";
import { A, B } from "./simulation.ts";

let world: LeaseWorld;

afterEach(() => world.stop());

async function established(terms: Partial<typeof TERMS> = {}): Promise<LeaseWorld> {
  world = new LeaseWorld(terms);
  await world.lease.establish({ generation: 1, active: A }, FOREVER);
  return world;
}

describe("a keeper", () => {
  test("takes the lease up: the database has an end before the first renewal is counted", async () => {
    await established();
    const replaced: (number | null)[] = [];
    const { store, a } = world;
    const keeper = world.keeperOfA((port, name) =>
      name === "witness"
        ? Object.assign(Object.create(port), {
            read: () => store.read(),
            replace: (...asked: Parameters<typeof store.replace>) => {
              replaced.push(a.untilMs);
              return store.replace(...asked);
            },
          })
        : port,
    );

    expect(await keeper.round(FOREVER)).toEqual({ kind: "renewed", epoch: 1, by: "witness" });

    expect(replaced).toHaveLength(1);
    expect(replaced[0]).not.toBeNull();
    expect((await store.read())?.lease.renewals).toBe(1);
  });

  test("limits nothing where no lease was established", async () => {
    world = new LeaseWorld();
    const round = await world.keeperOfA().round(FOREVER);
    expect(round).toEqual({ kind: "refused", detail: "the witness knows of no lease" });
    expect(world.a).toMatchObject({ untilMs: null, accepts: true });
  });

  test("keeps its site writable for as long as the witness answers", async () => {
    await established();
    await world.start();
    for (let second = 0; second < 20; second += 1) {
      await world.clock.advance(1_000);
      expect(world.a.accepts).toBe(true);
    }
  });

  test("never installs more than the time from before it asked", async () => {
    await established();
    const keeper = world.keeperOfA();
    await keeper.round(FOREVER);
    const readAtMs = (await world.a.read()).nowMs;
    expect(world.a.untilMs).toBe(readAtMs + TERMS.ttlMs);
  });

  test("surrenders as soon as another site has a newer epoch", async () => {
    await established();
    await world.store.replace(
      { application: "shop", epoch: 2, holder: B, renewals: 7 },
      (await world.store.read())?.version ?? null,
    );

    const round = await world.keeperOfA().round(FOREVER);

    expect(round).toMatchObject({ kind: "surrendered", epoch: 2 });
    expect(world.a).toMatchObject({ role: "fenced", epoch: 2, accepts: false });
  });

  test("does not shut its own site while a plan gives it a newer epoch", async () => {
    await established();
    await world.store.replace(
      { application: "shop", epoch: 2, holder: A, renewals: 7 },
      (await world.store.read())?.version ?? null,
    );
    expect(await world.keeperOfA().round(FOREVER)).toMatchObject({ kind: "refused" });
    expect(world.a.role).toBe("active");
  });

  test("refuses a witness that is older than its own site", async () => {
    await established();
    world.a.epoch = 3;
    expect(await world.keeperOfA().round(FOREVER)).toMatchObject({ kind: "refused" });
    expect((await world.store.read())?.lease.renewals).toBe(0);
  });

  test("of a standby or a fenced site asks for nothing", async () => {
    await established();
    world.a.role = "fenced";
    world.witnessOfA.lost = true;
    expect(await world.keeperOfA().round(FOREVER)).toEqual({ kind: "standing-by", epoch: 1 });
  });

  test("survives one question that hangs: two rounds fit into a lease", async () => {
    await established();
    const { clock } = world;
    let calls = 0;
    const keeper = world.keeperOfA((port, name) =>
      name === "database"
        ? Object.assign(Object.create(port), {
            read: async () => {
              calls += 1;
              if (calls === 4) await clock.sleep(60_000);
              return world.a.read();
            },
            extend: (grant: { epoch: number; untilMs: number }) => world.a.extend(grant),
          })
        : port,
    );
    await world.start(keeper);
    for (let passedMs = 0; passedMs < 12_000; passedMs += 50) {
      await clock.advance(50);
      expect(world.a.accepts).toBe(true);
    }
    expect(world.rounds.filter((round) => round.kind === "failed")).toHaveLength(1);
  });
});

describe("without the witness", () => {
  test("consistency stops writes by itself within the lease, and goes on when it is back", async () => {
    await established();
    await world.start();
    await world.clock.advance(2_000);
    world.witnessOfA.lost = true;
    await world.clock.advance(TERMS.ttlMs);
    expect(world.a.accepts).toBe(false);
    expect(world.rounds.at(-1)).toMatchObject({
      kind: "failed",
      detail: "the witness is lost: no witness",
    });

    world.witnessOfA.lost = false;
    await world.clock.advance(1_000);
    expect(world.a.accepts).toBe(true);
  });

  test("availability goes on while the peer promises, and stops when the peer is lost, too", async () => {
    await established({ whenWitnessLost: "availability" });
    await world.start();
    await world.clock.advance(2_000);
    world.witnessOfA.lost = true;
    await world.clock.advance(20_000);
    expect(world.a.accepts).toBe(true);
    expect(world.rounds.at(-1)).toEqual({ kind: "renewed", epoch: 1, by: "peers" });

    world.peersCut = true;
    await world.clock.advance(TERMS.ttlMs);
    expect(world.a.accepts).toBe(false);
  });

  test("a witness that says no is obeyed, whatever peers would promise", async () => {
    await established({ whenWitnessLost: "availability" });
    await world.start();
    await world.clock.advance(1_000);
    const stored = await world.store.read();
    if (stored === null) throw new Error("nothing is stored");
    await world.store.replace({ ...stored.lease, holder: null, epoch: 2 }, stored.version);
    await world.clock.advance(1_000);
    expect(world.a.accepts).toBe(false);
  });
});
