/** The parts of the file that say what the application is and where it can run. */

import { z } from "zod";
import type {
  ApplicationSection,
  DatabaseConfiguration,
  EntryConfiguration,
  ProviderConfiguration,
  ReplicationConfiguration,
  SiteConfiguration,
} from "./configuration.ts";
import {
  duration,
  file,
  httpUrl,
  ipAddress,
  name,
  postgresUrl,
  type ResolveFile,
  sqlName,
} from "./fields.ts";
import { keeperSection } from "./lease-section.ts";
import { storeSection } from "./objects-section.ts";

const DAY_MS = 86_400_000;

/** `application`. */
export function applicationSection(): z.ZodType<ApplicationSection> {
  const objectives = z
    .strictObject({
      rto: duration(1000, DAY_MS).describe(
        "Recovery time objective: fault to first acknowledged write.",
      ),
      rpo: duration(0, DAY_MS).describe(
        "Recovery point objective: loss accepted without asking a person.",
      ),
    })
    .transform(({ rto, rpo }) => ({ rtoMs: rto, rpoMs: rpo }));
  const workload = z.strictObject({
    name: name().describe("Name of the workload at every site."),
    replicas: z.int().min(1).max(10_000).describe("Replicas at the active site."),
  });
  return z
    .strictObject({
      name: name().describe("What fails over together."),
      objectives: objectives.describe("What recovery is measured against."),
      workloads: z.array(workload).min(1).describe("What runs at each site."),
    })
    .describe("The application CloudPhoenix keeps alive.");
}

/** One of `sites`. */
export function siteSection(resolve: ResolveFile): z.ZodType<SiteConfiguration> {
  const section = z.strictObject({
    id: name().describe("Identifier of the site."),
    cloud: name().describe("Cloud of the site; two sites of one cloud are regions of it."),
    region: name().describe("Region of the cloud."),
    entry: entrySection().describe("The way users come in."),
    database: databaseSection(resolve).describe("The application's PostgreSQL at this site."),
    provider: providerSection(resolve).describe("Control plane that scales and restarts here."),
    keeper: keeperSection(resolve)
      .optional()
      .describe("The ways of the agent that keeps the lease of this site; needed with `lease`."),
    objects: storeSection(resolve)
      .optional()
      .describe("The application's objects at this site; needed with `objects`."),
  });
  return section.transform(({ keeper = null, objects = null, ...site }) => ({
    ...site,
    keeper,
    objects,
  }));
}

function entrySection(): z.ZodType<EntryConfiguration> {
  return z.strictObject({
    address: ipAddress().describe("Address the DNS record points to while the site is active."),
    url: httpUrl().describe("Base URL at which the controller reaches the entry."),
  });
}

function databaseSection(resolve: ResolveFile): z.ZodType<DatabaseConfiguration> {
  return z
    .strictObject({
      url: postgresUrl().describe("As the controller reaches the database, without a password."),
      password_file: file(resolve).describe("File with the password of `url`, mode 0600."),
      peer_url: postgresUrl().describe("As the other site's database reaches it, for replication."),
      peer_password_file: file(resolve).describe(
        "File with the password of `peer_url`, mode 0600.",
      ),
      application_role: sqlName().describe(
        "Role the application connects as; its writes are fenced.",
      ),
    })
    .transform((section) => ({
      url: section.url,
      passwordFile: section.password_file,
      peerUrl: section.peer_url,
      peerPasswordFile: section.peer_password_file,
      applicationRole: section.application_role,
    }));
}

/** A `provider` or `network_fence`. */
export function providerSection(resolve: ResolveFile): z.ZodType<ProviderConfiguration> {
  return z
    .strictObject({
      kind: z.enum(["local"]).describe("Which control plane it is."),
      url: httpUrl().describe("Base URL of its API."),
      token_file: file(resolve).describe("File with its bearer token, mode 0600."),
    })
    .transform(({ kind, url, token_file: tokenFile }) => ({ kind, url, tokenFile }));
}

/** `replication`. */
export function replicationSection(): z.ZodType<ReplicationConfiguration> {
  const table = z
    .string()
    .regex(/^[a-z_][a-z0-9_$]*\.[a-z_][a-z0-9_$]*$/, "is not a `schema.table` name")
    .meta({ type: "table", help: "write schema and table, for instance `public.orders`" });
  return z
    .strictObject({
      durability: z
        .enum(["async", "barrier", "sync"])
        .default("async")
        .describe(
          "How far a commit has travelled when the application hears done: `async` the active site only, `barrier` the application waits for the standby, `sync` the server waits.",
        ),
      tables: z
        .union([z.literal("*"), z.array(table).min(1)])
        .default("*")
        .meta({
          type: "`*` | list of tables",
          help: 'write `"*"` or a list of `schema.table` names',
        })
        .describe("Tables to replicate; `*` for all of the application."),
    })
    .describe("How the database is copied to the standby.");
}
