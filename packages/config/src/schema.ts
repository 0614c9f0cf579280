/** The whole file as a schema. Reading with it yields typed sections; cross checks come after. */

import type { Policy } from "@cloudphoenix/core";
import { z } from "zod";
import type {
  ApiConfiguration,
  ApplicationSection,
  LeaseConfiguration,
  NotifyConfiguration,
  ObjectsConfiguration,
  ProviderConfiguration,
  ReplicationConfiguration,
  SignalConfiguration,
  SiteConfiguration,
  StateConfiguration,
  TrafficConfiguration,
  VantageSection,
} from "./configuration.ts";
import { file, postgresUrl, type ResolveFile } from "./fields.ts";
import { leaseSection } from "./lease-section.ts";
import { objectsSection } from "./objects-section.ts";
import { policySection } from "./policy-section.ts";
import { signalSection, vantageSection } from "./signal-section.ts";
import {
  applicationSection,
  providerSection,
  replicationSection,
  siteSection,
} from "./topology-section.ts";
import { apiSection, notifySection, trafficSection } from "./traffic-section.ts";

/** The document, read section by section. */
export interface Sections {
  readonly version: 1;
  readonly application: ApplicationSection;
  readonly sites: readonly SiteConfiguration[];
  readonly network_fence?: ProviderConfiguration | undefined;
  readonly traffic: TrafficConfiguration;
  readonly replication: ReplicationConfiguration;
  readonly lease?: LeaseConfiguration | undefined;
  readonly objects?: ObjectsConfiguration | undefined;
  readonly vantages: readonly VantageSection[];
  readonly signals: readonly SignalConfiguration[];
  readonly policy: Policy;
  readonly notify: readonly NotifyConfiguration[];
  readonly api: ApiConfiguration;
  readonly state: StateConfiguration;
}

/** The schema of the file; `resolve` makes its file names absolute. */
export function configurationSchema(resolve: ResolveFile): z.ZodType<Sections> {
  return z.strictObject({
    version: z.literal(1).describe("Version of this format."),
    application: applicationSection().describe("The application CloudPhoenix keeps alive."),
    sites: z
      .array(siteSection(resolve))
      .min(2)
      .max(8)
      .describe("Where it can run, in order of preference; the first is its home."),
    network_fence: providerSection(resolve)
      .optional()
      .describe("A control outside every site that can block all ways into one."),
    traffic: trafficSection(resolve).describe("The switch that decides which site users reach."),
    replication: replicationSection()
      .prefault({})
      .describe("How the database is copied to the standby."),
    lease: leaseSection()
      .optional()
      .describe(
        "The writer lease: a site stops taking writes by itself once its agent can no longer renew. Left out, no lease is used.",
      ),
    objects: objectsSection()
      .optional()
      .describe("How the application's objects are copied. Left out, it has none."),
    vantages: z
      .array(vantageSection(resolve))
      .min(1)
      .max(64)
      .describe("Where questions are asked from."),
    signals: z.array(signalSection()).min(1).max(10_000).describe("What is asked."),
    policy: policySection().prefault({}).describe("What the operator decides in advance."),
    notify: z.array(notifySection(resolve)).max(16).default([]).describe("Who is told."),
    api: apiSection(resolve).prefault({}).describe("The controller's HTTP API."),
    state: stateSection(resolve)
      .prefault({})
      .describe(
        "Where runs, roles and leadership are kept. `CLOUDPHOENIX_STATE_URL` overrides it.",
      ),
  });
}

function stateSection(resolve: ResolveFile): z.ZodType<StateConfiguration> {
  return z
    .strictObject({
      directory: file(resolve)
        .optional()
        .meta({ default: "./state" })
        .describe("Folder of the embedded PostgreSQL; not together with `url`."),
      url: postgresUrl()
        .optional()
        .describe("PostgreSQL of your own, shared by several controllers."),
      password_file: file(resolve)
        .optional()
        .describe("File with the password of `url`, mode 0600."),
    })
    .transform((section, context): StateConfiguration => {
      const { directory, url, password_file: passwordFile } = section;
      if (url !== undefined && directory !== undefined) {
        const params = {
          help: "keep `directory` for the embedded PostgreSQL or `url` for your own",
        };
        context.addIssue({ code: "custom", message: "names both `directory` and `url`", params });
        return z.NEVER;
      }
      return url === undefined
        ? { kind: "embedded", directory: directory ?? resolve("state") }
        : { kind: "external", url, passwordFile: passwordFile ?? null };
    });
}
