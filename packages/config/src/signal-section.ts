/** The parts of the file that say what is asked, and from where. */

import { defaultPoints, SIGNAL_KINDS, type SignalKind } from "@cloudphoenix/core";
import { z } from "zod";
import type {
  AgentConfiguration,
  Expectation,
  SignalConfiguration,
  VantageSection,
} from "./configuration.ts";
import { duration, file, httpUrl, name, type ResolveFile } from "./fields.ts";

const INTERVAL_MAX_MS = 3_600_000;

/** One of `vantages`. */
export function vantageSection(resolve: ResolveFile): z.ZodType<VantageSection> {
  return z
    .strictObject({
      id: name().describe("Identifier of the vantage."),
      site: name()
        .optional()
        .describe("Site it stands in; left out if it stands outside every site."),
      failure_domain: name().describe("What would have to break for all it sees to be wrong."),
      canaries: z
        .array(httpUrl())
        .max(8)
        .default([])
        .describe(
          "URLs that depend on no site. If none answers, the vantage is blind and does not count.",
        ),
      agent: agentSection(resolve)
        .optional()
        .describe("The agent that asks there; left out if the controller asks itself."),
    })
    .transform(({ failure_domain: failureDomain, ...section }) => ({
      ...section,
      failureDomain,
      site: section.site ?? null,
      agent: section.agent ?? null,
    }));
}

function agentSection(resolve: ResolveFile): z.ZodType<AgentConfiguration> {
  return z
    .strictObject({
      url: httpUrl().describe("Base URL of the agent."),
      token_file: file(resolve).describe("File with its bearer token, mode 0600."),
    })
    .transform(({ url, token_file: tokenFile }) => ({ url, tokenFile }));
}

/** One of `signals`. */
export function signalSection(): z.ZodType<SignalConfiguration> {
  const points = z.strictObject({
    degraded: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .describe("Points while degraded. Default by kind."),
    unhealthy: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .describe("Points while unhealthy. Default by kind."),
  });
  return z
    .strictObject({
      id: name().describe("Identifier of the signal."),
      kind: z.enum(SIGNAL_KINDS).describe("What is asked; decides the default points."),
      site: name().describe("Site whose health this speaks of."),
      vantages: z.array(name()).min(1).describe("Vantages that ask; their majority counts."),
      interval: duration(100, INTERVAL_MAX_MS)
        .default(1000)
        .meta({ default: "1s" })
        .describe("Time between two questions from one vantage."),
      timeout: duration(10, 60_000)
        .default(500)
        .meta({ default: "500ms" })
        .describe("Time after which no answer counts as unhealthy; not longer than `interval`."),
      freshness: duration(100, INTERVAL_MAX_MS * 4)
        .optional()
        .meta({ default: "3 × interval + timeout" })
        .describe("Age after which an answer no longer counts."),
      expect: z
        .enum(["health-json", "http-ok"])
        .optional()
        .meta({
          default:
            "`health-json` for service-health, node-groups and load-balancer, else `http-ok`",
        })
        .describe("How an answer is read: the `status` of its JSON, or any 2xx."),
      url: httpUrl()
        .optional()
        .describe("What every vantage asks. Not for `replication-lag` and `object-backlog`."),
      urls: z
        .record(name(), httpUrl())
        .optional()
        .describe("What each vantage asks, by vantage id, instead of `url`."),
      points: points
        .optional()
        .meta({ default: "by kind" })
        .describe("Points added to the score of the site."),
    })
    .transform(buildSignal);
}

interface SignalFields {
  readonly id: string;
  readonly kind: SignalKind;
  readonly site: string;
  readonly vantages: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  readonly freshness?: number | undefined;
  readonly expect?: Expectation | undefined;
  readonly url?: string | undefined;
  readonly urls?: Readonly<Record<string, string>> | undefined;
  readonly points?: { degraded?: number | undefined; unhealthy?: number | undefined } | undefined;
}

function buildSignal(fields: SignalFields): SignalConfiguration {
  const defaults = defaultPoints(fields.kind);
  const { url } = fields;
  const same = url === undefined ? {} : Object.fromEntries(fields.vantages.map((id) => [id, url]));
  return {
    id: fields.id,
    kind: fields.kind,
    site: fields.site,
    vantages: fields.vantages,
    intervalMs: fields.interval,
    timeoutMs: fields.timeout,
    freshnessMs: fields.freshness ?? 3 * fields.interval + fields.timeout,
    points: {
      degraded: fields.points?.degraded ?? defaults.degraded,
      unhealthy: fields.points?.unhealthy ?? defaults.unhealthy,
    },
    expect: fields.expect ?? defaultExpectation(fields.kind),
    urls: fields.urls ?? same,
  };
}

function defaultExpectation(kind: SignalKind): Expectation {
  const speaksHealth =
    kind === "service-health" || kind === "node-groups" || kind === "load-balancer";
  return speaksHealth ? "health-json" : "http-ok";
}
