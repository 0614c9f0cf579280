/** A PostgreSQL of its own for the state of several controllers, outside of every site. */
import { join } from "node:path";
import { locateBinaries, openServer } from "@cloudphoenix/local-postgres";
import type { Cleanups } from "./cleanups.ts";
import type { Ground } from "./ground.ts";
import { readSecret, SECRETS } from "./secrets.ts";

const ROLE = "cloudphoenix";

/** Starts it and returns its URL, which holds the password: give it on in the environment only. */
export async function startStateServer(ground: Ground, cleanups: Cleanups): Promise<string> {
  const { layout, ports, registry } = ground;
  const port = ports.get("state");
  const server = await openServer({
    directory: join(layout.home, "state-server"),
    auth: { kind: "scram", passwordFile: layout.secret(SECRETS.state) },
    socket: null,
    tcp: { host: "127.0.0.1", port },
    superuser: ROLE,
    binaries: await locateBinaries({ cacheDirectory: layout.cache }),
  });
  const pid = server.pid();
  if (pid !== null) registry.add(pid, "state-server");
  cleanups.add(() => server.stop("fast"));
  const url = new URL(server.url("postgres"));
  url.password = readSecret(layout, SECRETS.state);
  return url.href;
}
