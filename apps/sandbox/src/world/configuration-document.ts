/** The configuration file of a sandbox, as a document ready for YAML. Durations are texts. */
import type { DurabilityMode } from "@cloudphoenix/core";
import { objectsSection } from "./object-stores.ts";
import { NAMES, otherPlace, type Place, PLACES, witnessLogin, WORKLOADS } from "./places.ts";
import type { PortBook } from "./ports.ts";
import { SECRETS } from "./secrets.ts";
import { CLIENT_PORT, linkName } from "./topology.ts";

/** Fields of `policy` as the configuration file has them. */
export type PolicyDocument = Readonly<Record<string, unknown>>;

export interface DocumentOptions {
  readonly ports: PortBook;
  readonly durability: DurabilityMode;
  /** Merged over the sandbox's own policy, field by field. */
  readonly policy: PolicyDocument;
  /** 1 or 2. */
  readonly controller: number;
  /** Merged over the sandbox's own lease, field by field. */
  readonly lease: Readonly<Record<string, unknown>>;
  /** Whether the application has objects. */
  readonly objects: boolean;
}

/**
 * The sandbox exists to be watched, so it acts by itself and soon: everything is automatic and
 * levels hold for seconds, where the defaults for production wait and ask.
 */
const SANDBOX_POLICY: PolicyDocument = {
  modes: { heal: "auto", region: "auto", dr: "auto" },
  hold: { heal: "2s", region: "2s", dr: "2s" },
  fence_min: "lease-expired",
  cooldown: "10s",
};

/** Short, so that a fence that has to wait for its end stays within the sandbox's objective. */
const SANDBOX_LEASE = { ttl: "3s", renew: "750ms", margin: "300ms" };

/** A few thousand objects are compared in a moment; a real bucket takes longer and is asked less. */
const SANDBOX_OBJECTS = {
  references: [{ table: "public.receipts", key: "object_key", stored_at: "stored_at" }],
  reconcile: "5s",
  canary: "1s",
  final_sync: "3s",
  deletes: { delay: "1m" },
};

/** One second is the finest anybody would probe at; half of it decides that no answer will come. */
const PACE = { interval: "1s", timeout: "500ms" } as const;

/** The document of one controller of a sandbox. */
export function configurationDocument(options: DocumentOptions): object {
  const { ports, durability, policy, lease, controller, objects } = options;
  return {
    version: 1,
    application: {
      name: NAMES.application,
      objectives: { rto: "10s", rpo: "5s" },
      workloads: Object.entries(WORKLOADS).map(([name, replicas]) => ({ name, replicas })),
    },
    sites: PLACES.map((place) => ({
      ...siteSection(place, ports),
      ...(objects && { objects: objectsSection(place, ports) }),
    })),
    network_fence: {
      kind: "local",
      url: `http://127.0.0.1:${ports.get("fence")}`,
      token_file: secretFile(SECRETS.network),
    },
    traffic: {
      kind: "rfc2136",
      server: `127.0.0.1:${ports.get("dns")}`,
      zone: NAMES.zone,
      name: NAMES.host,
      ttl: "1s",
      port: ports.get(CLIENT_PORT),
      tsig: {
        name: NAMES.tsigKey,
        algorithm: "hmac-sha256",
        secret_file: secretFile(SECRETS.tsig),
      },
    },
    replication: { durability, tables: "*" },
    lease: { ...SANDBOX_LEASE, ...lease },
    ...(objects && { objects: SANDBOX_OBJECTS }),
    vantages: vantages(ports),
    signals: PLACES.flatMap((place) => [
      ...signalsOf(place, ports),
      ...(objects ? [backlogSignal(place)] : []),
    ]),
    policy: merged(SANDBOX_POLICY, policy),
    api: {
      listen: `127.0.0.1:${ports.get(`api-${controller}`)}`,
      token_file: secretFile(SECRETS.api),
    },
    state: {
      url: stateUrl(NAMES.stateRole, ports.get("state")),
      password_file: secretFile(SECRETS.state),
    },
  };
}

/** Fields that have parts (`modes`, `hold`, …) are merged part by part. */
function merged(base: PolicyDocument, over: PolicyDocument): PolicyDocument {
  const fields = Object.entries(over).map(([name, value]) => {
    const [one, other] = [partsOf(base[name]), partsOf(value)];
    return [name, one === null || other === null ? value : { ...one, ...other }];
  });
  return { ...base, ...Object.fromEntries(fields) };
}

function partsOf(value: unknown): object | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
}

function siteSection(place: Place, ports: PortBook): object {
  const { id, cloud, region, address } = place;
  const peer = otherPlace(place).cloud;
  return {
    id,
    cloud,
    region,
    entry: { address, url: via("control", cloud, "entry", ports) },
    database: {
      url: databaseUrl(NAMES.adminRole, ports.get(linkName("control", cloud, "postgres"))),
      password_file: secretFile(SECRETS.database(cloud)),
      peer_url: databaseUrl(NAMES.replicationRole, ports.get(linkName(peer, cloud, "postgres"))),
      peer_password_file: secretFile(SECRETS.replicator),
      application_role: NAMES.applicationRole,
    },
    provider: {
      kind: "local",
      url: via("control", cloud, "provider", ports),
      token_file: secretFile(SECRETS.provider(cloud)),
    },
    keeper: keeperSection(place, ports),
  };
}

/** Its own database without a detour, the witness outside, and how the other site's agent comes in. */
function keeperSection(place: Place, ports: PortBook): object {
  const { cloud } = place;
  return {
    database_url: databaseUrl(NAMES.agentRole, ports.get(`${cloud}:postgres`)),
    database_password_file: secretFile(SECRETS.keeper(cloud)),
    witness_url: stateUrl(witnessLogin(place), ports.get(linkName(cloud, "control", "witness"))),
    witness_password_file: secretFile(SECRETS.witness(cloud)),
    peer_url: via(otherPlace(place).cloud, cloud, "agent", ports),
    peer_token_file: secretFile(SECRETS.agent),
  };
}

function vantages(ports: PortBook): readonly object[] {
  const canaries = (from: string): readonly string[] => [
    `${via(from, "canary", "live", ports)}/live`,
  ];
  const agent = (to: string): object => ({
    url: via("control", to, "agent", ports),
    token_file: secretFile(SECRETS.agent),
  });
  return [
    { id: "control", failure_domain: "control", canaries: canaries("control") },
    {
      id: "internet",
      failure_domain: "internet",
      canaries: canaries("internet"),
      agent: agent("internet"),
    },
    ...PLACES.map(({ id, cloud }) => ({
      id: cloud,
      site: id,
      failure_domain: cloud,
      canaries: canaries(cloud),
      agent: agent(cloud),
    })),
  ];
}

function signalsOf(place: Place, ports: PortBook): readonly object[] {
  const { id: site, cloud } = place;
  const peer = otherPlace(place).cloud;
  const provider = `http://127.0.0.1:${ports.get(`${cloud}:provider`)}`;
  const signal = (name: string, kind: string, vantage: string, url?: string): object => ({
    id: `${cloud}-${name}`,
    kind,
    site,
    vantages: [vantage],
    ...PACE,
    ...(url !== undefined && { url }),
  });
  return [
    signal(
      "health",
      "service-health",
      "control",
      `${via("control", cloud, "entry", ports)}/health`,
    ),
    signal(
      "uptime",
      "external-uptime",
      "internet",
      `${via("internet", cloud, "uptime", ports)}/live`,
    ),
    signal("cross-cloud", "cross-cloud", peer, `${via(peer, cloud, "entry", ports)}/live`),
    signal("load-balancer", "load-balancer", cloud, `${provider}/v1/load-balancer`),
    signal("nodes", "node-groups", cloud, `${provider}/v1/nodes`),
    signal("replication", "replication-lag", "control"),
  ];
}

function backlogSignal({ id: site, cloud }: Place): object {
  return { id: `${cloud}-objects`, kind: "object-backlog", site, vantages: ["control"], ...PACE };
}

function via(from: string, to: string, what: string, ports: PortBook): string {
  return `http://127.0.0.1:${ports.get(linkName(from, to, what))}`;
}

function databaseUrl(role: string, port: number): string {
  return `postgresql://${role}@127.0.0.1:${port}/${NAMES.database}`;
}

function stateUrl(role: string, port: number): string {
  return `postgresql://${role}@127.0.0.1:${port}/${NAMES.stateDatabase}`;
}

/** Relative to the configuration file, which lies in the home of the sandbox. */
function secretFile(name: string): string {
  return `secrets/${name}`;
}
