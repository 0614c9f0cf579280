/** The parts of the file that say how users are led to a site and how people are told. */

import { z } from "zod";
import type {
  ApiConfiguration,
  NotifyConfiguration,
  TrafficConfiguration,
  TsigConfiguration,
} from "./configuration.ts";
import { domain, duration, file, hostPort, portNumber, type ResolveFile } from "./fields.ts";

/** `traffic`. */
export function trafficSection(resolve: ResolveFile): z.ZodType<TrafficConfiguration> {
  return z
    .strictObject({
      kind: z.enum(["rfc2136"]).describe("How the record is changed: DNS dynamic update."),
      server: hostPort().describe("Authoritative server that takes the update."),
      zone: domain().describe("Zone the record is in."),
      name: domain().describe("Name clients resolve; inside the zone."),
      ttl: duration(1000, 86_400_000)
        .default(30_000)
        .meta({ default: "30s" })
        .describe("Time resolvers may keep the answer; whole seconds. It bounds convergence."),
      port: portNumber().describe("Port clients use at the address of a site."),
      tsig: tsigSection(resolve).describe("Key that signs updates."),
    })
    .transform(({ ttl, ...section }) => ({ ...section, ttlMs: ttl }))
    .describe("The switch that decides which site users reach.");
}

function tsigSection(resolve: ResolveFile): z.ZodType<TsigConfiguration> {
  return z
    .strictObject({
      name: domain().describe("Name of the key at the server."),
      algorithm: z
        .enum(["hmac-sha256", "hmac-sha512"])
        .default("hmac-sha256")
        .describe("Algorithm of the key."),
      secret_file: file(resolve).describe("File with the key in base64, mode 0600."),
    })
    .transform(({ secret_file: secretFile, ...section }) => ({ ...section, secretFile }));
}

/** One of `notify`. */
export function notifySection(resolve: ResolveFile): z.ZodType<NotifyConfiguration> {
  return z
    .strictObject({
      kind: z.enum(["webhook"]).describe("How people are told."),
      url_file: file(resolve).describe(
        "File with the URL, mode 0600: it holds the secret of the channel.",
      ),
    })
    .transform(({ kind, url_file: urlFile }) => ({ kind, urlFile }));
}

/** `api`. */
export function apiSection(resolve: ResolveFile): z.ZodType<ApiConfiguration> {
  return z
    .strictObject({
      listen: hostPort()
        .default({ host: "127.0.0.1", port: 20_120 })
        .meta({ default: "127.0.0.1:20120" })
        .describe("Where the controller's HTTP API listens."),
      token_file: file(resolve)
        .default(resolve("secrets/api-token"))
        .meta({ default: "secrets/api-token" })
        .describe("File with the API's bearer token; made at the first start, mode 0600."),
    })
    .transform(({ listen, token_file: tokenFile }) => ({ listen, tokenFile }));
}
