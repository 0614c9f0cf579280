import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Pair } from "./fixture/pair.ts";
import { Pair as PairOf, SITE_A, SITE_B, soon } from "./fixture/pair.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";

let servers: TwoServers;
let pair: Pair;

beforeAll(async () => {
  servers = await startTwoServers();
});
afterAll(() => servers.remove());
afterEach(() => pair.close());

describe("setting up replication", () => {
  test("smoke", async () => {
    pair = await PairOf.make(servers, { application: "smoke" });
    console.time("setup");
    const r = await pair.replication.setup(
      { from: SITE_A, to: SITE_B, generation: 1, onProgress: (p) => console.log(p) },
      soon(),
    );
    console.timeEnd("setup");
    console.log(r);
    console.log(await pair.replication.control.inspect(SITE_B, soon()));
  });
});
