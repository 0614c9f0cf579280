import { describeFencer } from "@cloudphoenix/testkit";
import { afterAll, beforeAll } from "vitest";
import { Link } from "./fixture/link.ts";
import { Pair, SITE_A, soon } from "./fixture/pair.ts";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import { startTwoServers, type TwoServers } from "./fixture/two-servers.ts";

let servers: TwoServers;
let pair: Pair;

beforeAll(async () => {
  servers = await startTwoServers();
  pair = await Pair.make(servers, { application: "fencer-contract" });
  await pair.follow();
});
afterAll(async () => {
  await pair.close();
  await servers.remove();
});

/** Whether an application that comes in now may write. */
async function writersPass(): Promise<boolean> {
  const app = await pair.client(SITE_A, "app");
  try {
    await app.query("insert into counters (name) values ('x')");
    return true;
  } catch {
    return false;
  } finally {
    await app.end();
  }
}

describeFencer({
  name: "PostgreSQL",
  degree: "confirmed",
  setup: async () => {
    const { control } = pair.replication;
    const { generation } = await control.inspect(SITE_A, soon());
    await control.unfence(SITE_A, generation, soon());
    const link = await Link.open(await freePort(), servers.a.port);
    const reached = {
      adminPort: () => link.port,
      // What is silent is waited for: not as long as in an outage, but long enough to be fenced.
      limits: { connectMs: 1_500, statementMs: 2_000 },
    };
    const [one, other] = [pair.another(reached), pair.another(reached)];
    return {
      fencer: one.fencer,
      another: other.fencer,
      site: SITE_A,
      generation,
      writersPass,
      lose: async (how) => (how === "silent" ? link.cut() : link.close()),
      stop: async () => {
        await link.close();
        await Promise.all([one.close(), other.close()]);
      },
    };
  },
});
