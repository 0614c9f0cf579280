/** The PostgreSQL of CloudPhoenix's own state, outside of every site; also the lease's witness. */
import { prepareWitness } from "@cloudphoenix/adapter-dbos";
import { locateBinaries, openServer } from "@cloudphoenix/local-postgres";
import type { Cleanups } from "./cleanups.ts";
import type { Ground } from "./ground.ts";
import { NAMES, PLACES, witnessLogin } from "./places.ts";
import { readSecret, SECRETS } from "./secrets.ts";

/** The state is small and its writers are few. */
const SETTINGS = { shared_buffers: "32MB", max_connections: "60" };

/** Starts it and lets the agents renew the lease there, before any controller is up. */
export async function startStateServer(ground: Ground, cleanups: Cleanups): Promise<void> {
  const { layout, ports, registry } = ground;
  const server = await openServer({
    directory: layout.state,
    auth: { kind: "scram", passwordFile: layout.secret(SECRETS.state) },
    socket: null,
    tcp: { host: "127.0.0.1", port: ports.get("state") },
    superuser: NAMES.stateRole,
    binaries: await locateBinaries({ cacheDirectory: layout.cache }),
    settings: SETTINGS,
  });
  const pid = server.pid();
  if (pid !== null) registry.add(pid, "state-server");
  cleanups.add(() => server.stop("fast"));
  const url = new URL(server.url(NAMES.stateDatabase));
  url.password = readSecret(layout, SECRETS.state);
  await prepareWitness({
    url: url.href,
    application: NAMES.application,
    logins: PLACES.map((place) => ({
      login: witnessLogin(place),
      password: readSecret(layout, SECRETS.witness(place.cloud)),
    })),
    log: () => undefined,
  });
}
