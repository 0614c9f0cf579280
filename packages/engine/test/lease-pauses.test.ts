// A process may stand still between any two things it does, for any time. Whatever stands still,
// two sites never accept writes at once, and in the end one of them does.
import { afterEach, describe, expect, test } from "vitest";
import { LeaseWorld, type Wrap } from "./lease-world.ts";
import type { VirtualClock } from "@cloudphoenix/testkit";
import { LeaseObserver } from "@cloudphoenix/engine";

const STEP_MS = 50;
const PAUSES_MS = [1_000, 2_400, 3_400, 20_000];

let world: LeaseWorld;

afterEach(() => world.stop());

/** Holds the `nth` call up: before it takes effect, or before its answer is read. */
function pausing(
  clock: VirtualClock,
  pause: { nth: number; ms: number; where: "before" | "after" },
): Wrap {
  let calls = 0;
  return (port) =>
    new Proxy(port, {
      get(target, key) {
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== "function") return method;
        return async (...asked: unknown[]) => {
          calls += 1;
          const mine = calls === pause.nth;
          if (mine && pause.where === "before") await clock.sleep(pause.ms);
          const answer: unknown = await Reflect.apply(method, target, asked);
          if (mine && pause.where === "after") await clock.sleep(pause.ms);
          return answer;
        };
      },
    });
}

/** Lets time pass and looks at both sites all the time. */
async function watch(
  durationMs: number,
): Promise<{ readonly both: number; readonly bOpen: boolean }> {
  let both = 0;
  for (let passedMs = 0; passedMs < durationMs; passedMs += STEP_MS) {
    await world.clock.advance(STEP_MS);
    if (world.a.accepts && world.b.accepts) both += 1;
  }
  return { both, bOpen: world.b.accepts };
}

const POINTS = PAUSES_MS.flatMap((ms) =>
  (["before", "after"] as const).flatMap((where) =>
    Array.from({ length: 14 }, (_, index) => ({ nth: index + 1, ms, where })),
  ),
);

describe.each(["consistency", "availability"] as const)("with %s", (whenWitnessLost) => {
  test.each(POINTS)("a keeper that stands still $ms ms $where its call $nth", async (pause) => {
    world = new LeaseWorld({ whenWitnessLost });
    await world.start(world.keeperOfA(pausing(world.clock, pause)));
    await world.clock.advance(1_900);
    // The keeper loses the witness and the controller loses the site, but peers still talk.
    world.witnessOfA.lost = true;
    const moving = world.moveToB(2);

    const seen = await watch(30_000);

    expect(await moving).toBe("moved");
    expect(seen).toEqual({ both: 0, bOpen: true });
  });
});

test.each(POINTS)("a controller that stands still $ms ms $where its call $nth", async (pause) => {
  world = new LeaseWorld();
  await world.start();
  await world.clock.advance(1_900);
  const witness = pausing(world.clock, pause)(world.store, "witness");
  const { clock } = world;
  const moving = world.newLease(new LeaseObserver({ clock, witness, everyMs: 250 }), witness);
  const moved = world.moveToB(2, moving);

  const seen = await watch(30_000);

  expect(await moved).toBe("moved");
  expect(seen).toEqual({ both: 0, bOpen: true });
});

test.each(POINTS)(
  "a run carried on by a second controller while the first stands still $ms ms $where its call $nth",
  async (pause) => {
    world = new LeaseWorld();
    await world.start();
    await world.clock.advance(1_900);
    const witness = pausing(world.clock, pause)(world.store, "witness");
    const { clock } = world;
    const frozen = world.newLease(new LeaseObserver({ clock, witness, everyMs: 250 }), witness);
    const late = world.moveToB(2, frozen).catch((error: unknown) => String(error));
    await world.clock.advance(300);
    const moved = world.moveToB(2);

    const seen = await watch(30_000);

    expect(await moved).toBe("moved");
    await late;
    expect(seen).toEqual({ both: 0, bOpen: true });
  },
);

test.each(POINTS)(
  "an old controller whose move was overtaken by the next one, standing still $ms ms $where its call $nth",
  async (pause) => {
    world = new LeaseWorld();
    await world.start();
    await world.clock.advance(1_900);
    const witness = pausing(world.clock, pause)(world.store, "witness");
    const { clock } = world;
    const frozen = world.newLease(new LeaseObserver({ clock, witness, everyMs: 250 }), witness);
    const late = world.moveToB(2, frozen).catch((error: unknown) => String(error));
    await world.clock.advance(300);
    const moved = world.moveToB(3);

    const seen = await watch(30_000);

    await late;
    expect(await moved).toBe("moved");
    expect(seen).toEqual({ both: 0, bOpen: true });
    expect((await world.store.read())?.lease).toMatchObject({ epoch: 3 });
  },
);
