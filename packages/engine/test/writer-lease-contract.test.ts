import { LeaseObserver } from "@cloudphoenix/engine";
import { describeFencer } from "@cloudphoenix/testkit";
import { setImmediate as turn } from "node:timers/promises";
import { CutWitness, LeaseWorld } from "./lease-world.ts";
import { A } from "./simulation.ts";

const STEP_MS = 10;

/** What the observer has seen counts for a forecast for 5 s. */
const FORGOTTEN_MS = 6_000;

describeFencer({
  name: "the writer lease",
  degree: "lease-expired",
  // A witness ends every question itself: none is silent for ever.
  losses: ["refusing"],
  setup: async () => {
    const world = new LeaseWorld();
    const { a, clock, store } = world;
    await world.start();
    await clock.advance(5_000);
    const stopping = new AbortController();
    const going = (async () => {
      while (!stopping.signal.aborted) await clock.advance(STEP_MS);
    })();
    const witness = new CutWitness(store);
    const lease = (): typeof world.lease =>
      world.newLease(new LeaseObserver({ clock, witness, everyMs: 250 }), witness);
    return {
      fencer: lease(),
      another: lease(),
      site: A,
      generation: 1,
      async writersPass() {
        if ((await store.read())?.lease.holder === A) return true;
        if (a.accepts) throw new Error("the lease is sealed and has not run out");
        return false;
      },
      lose: async () => {
        witness.lost = true;
        const untilMs = clock.now() + FORGOTTEN_MS;
        while (clock.now() < untilMs) await turn();
      },
      stop: async () => {
        stopping.abort();
        await going;
        world.stop();
      },
    };
  },
});
