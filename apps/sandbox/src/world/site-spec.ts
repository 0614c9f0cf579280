/** What each site of a sandbox is made of. */
import type { SiteSpec, WorkloadSpec } from "../site/operations.ts";
import { MASTER_ROLE } from "./databases.ts";
import type { Layout } from "./layout.ts";
import { objectStoreSpec, storageEnvironment } from "./object-stores.ts";
import { type Place, WORKLOADS, type WorkloadName, ZONES } from "./places.ts";
import type { PortBook } from "./ports.ts";
import { agentProgram, workloadProgram } from "./programs.ts";
import { SECRETS } from "./secrets.ts";
import { balancerPort, CONTROLLER_APIS, linkName, podPorts } from "./topology.ts";

/**
 * Measured set of settings for logical replication that notices a dead peer within seconds.
 * `fsync` stays on: a sandbox that cheats on durability would prove nothing.
 */
const POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  wal_level: "logical",
  max_connections: "100",
  max_wal_senders: "10",
  max_replication_slots: "10",
  max_logical_replication_workers: "8",
  // Every table of the application is copied at once when the standby is made.
  max_sync_workers_per_subscription: "6",
  max_worker_processes: "16",
  wal_sender_timeout: "5s",
  wal_receiver_timeout: "5s",
  wal_receiver_status_interval: "1s",
  wal_retrieve_retry_interval: "200ms",
  max_slot_wal_keep_size: "2GB",
};

/** What a site stands on, and what of the application differs between sandboxes. */
interface SiteGround extends ApplicationChoice {
  readonly layout: Layout;
  readonly ports: PortBook;
}

interface ApplicationChoice {
  readonly objects: boolean;
  /** How many controllers there are to ask. */
  readonly controllers: number;
  /** Settings of the orders service beside the sandbox's own. */
  readonly orderSettings: Readonly<Record<string, string>>;
}

/** The specification its process is started with. */
export function siteSpec(place: Place, { layout, ports, ...application }: SiteGround): SiteSpec {
  const { id, cloud, region } = place;
  return {
    id,
    cloud,
    region,
    directory: layout.site(cloud),
    logDirectory: layout.logs,
    registryDirectory: layout.processes,
    ports: {
      provider: ports.get(`${cloud}:provider`),
      postgres: ports.get(`${cloud}:postgres`),
      databaseLink: ports.get(`${cloud}:database-link`),
    },
    tokenFile: layout.secret(SECRETS.provider(cloud)),
    workloads: [
      workloadSpec("orders", place, { layout, ports, ...application }),
      workloadSpec("fulfilment", place, { layout, ports, ...application }),
      workloadSpec("storefront", place, { layout, ports, ...application }),
    ],
    database: {
      superuser: MASTER_ROLE,
      passwordFile: layout.secret(SECRETS.master(cloud)),
      cacheDirectory: layout.cache,
      settings: POSTGRES_SETTINGS,
    },
    objects: application.objects ? objectStoreSpec(place, layout, ports) : null,
    agent: agentProgram(cloud, layout, ports),
  };
}

function workloadSpec(name: WorkloadName, place: Place, ground: SiteGround): WorkloadSpec {
  const { layout, ports } = ground;
  const program = workloadProgram(name, place, layout, ports);
  return {
    name,
    replicas: WORKLOADS[name],
    balancerPort: balancerPort(place, name, ports),
    ports: podPorts(place, name, ports),
    zones: ZONES,
    ...program,
    env: { ...program.env, ...settingsOf(name, place, ground) },
  };
}

/** What differs between sandboxes. */
function settingsOf(name: WorkloadName, place: Place, ground: SiteGround): WorkloadSpec["env"] {
  const { layout, ports, objects, controllers, orderSettings } = ground;
  if (name === "storefront") {
    return { STATUS_URLS: controllerUrls(place, controllers, ports).join(",") };
  }
  if (name !== "orders") return {};
  return { ...(objects && storageEnvironment(place, layout, ports)), ...orderSettings };
}

/** As the site reaches them: over links that can be cut. */
function controllerUrls({ cloud }: Place, count: number, ports: PortBook): readonly string[] {
  return CONTROLLER_APIS.slice(0, count).map(
    (api) => `http://127.0.0.1:${ports.get(linkName(cloud, "control", api))}`,
  );
}
