import { describeReplicationSetup } from "@cloudphoenix/testkit";
import { afterAll, beforeAll } from "vitest";
import { Pair, SITE_A, SITE_B } from "./fixture/pair.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";

let servers: TwoServers;
let applications = 0;

beforeAll(async () => {
  servers = await startTwoServers();
});
afterAll(() => servers.remove());

const OWN = "set role cloudphoenix;";

describeReplicationSetup({
  name: "PostgreSQL",
  setup: async () => {
    applications += 1;
    const pair = await Pair.make(servers, { application: `setup-${applications}`, leased: true });
    await pair.ask(SITE_A, "insert into public.orders (customer) values ('ann')");
    return {
      replication: pair.replication,
      pair: { from: SITE_A, to: SITE_B, generation: 1 },
      addTable: async (name) => {
        for (const site of [SITE_A, SITE_B]) {
          await pair.ask(site, `${OWN} create table public.${name} (id int primary key)`);
        }
      },
      spoil: async () => {
        await pair.ask(SITE_A, `${OWN} create table public.keyless (v text)`);
        return "public.keyless";
      },
      stop: () => pair.close(),
    };
  },
});
