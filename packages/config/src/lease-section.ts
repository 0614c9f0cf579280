/** The parts of the file that say how long a site may write without asking, and who asks. */

import { z } from "zod";
import type { KeeperConfiguration, LeaseConfiguration } from "./configuration.ts";
import { duration, file, httpUrl, postgresUrl, type ResolveFile } from "./fields.ts";

const MINUTE_MS = 60_000;

/** `lease`. */
export function leaseSection(): z.ZodType<LeaseConfiguration> {
  return z
    .strictObject({
      ttl: duration(500, 10 * MINUTE_MS)
        .default(10_000)
        .meta({ default: "10s" })
        .describe(
          "How long a site accepts writes after its agent last renewed. Shorter fences sooner; longer survives a longer interruption on the way to the witness.",
        ),
      renew: duration(100, 5 * MINUTE_MS)
        .default(2_000)
        .meta({ default: "2s" })
        .describe("How often the agent renews; at most a third of `ttl`."),
      margin: duration(50, MINUTE_MS)
        .default(1_000)
        .meta({ default: "1s" })
        .describe(
          "Added to every wait for the end of a lease: what clocks drift apart in `ttl`, what the clock of a database may be set back, what a commit takes after its last check.",
        ),
      when_witness_lost: z
        .enum(["consistency", "availability"])
        .default("consistency")
        .describe(
          "`consistency`: without the witness the site stops writes when its lease ends. `availability`: it goes on as long as every other site's agent promises that its site stays closed; a failover then also waits for these promises.",
        ),
    })
    .transform(({ ttl, renew, margin, when_witness_lost: whenWitnessLost }) => ({
      ttlMs: ttl,
      renewMs: renew,
      marginMs: margin,
      whenWitnessLost,
    }));
}

/** `sites[].keeper`. */
export function keeperSection(resolve: ResolveFile): z.ZodType<KeeperConfiguration> {
  return z
    .strictObject({
      database_url: postgresUrl().describe(
        "The site's own database as its agent reaches it, with the agent's restricted role.",
      ),
      database_password_file: file(resolve).describe(
        "File with the password of `database_url`, mode 0600.",
      ),
      witness_url: postgresUrl().describe(
        "The state database as the agent of this site reaches it, with the login made for it.",
      ),
      witness_password_file: file(resolve).describe(
        "File with the password of `witness_url`, mode 0600.",
      ),
      peer_url: httpUrl().describe(
        "Base URL at which the agents of other sites reach this site's agent, for promises.",
      ),
      peer_token_file: file(resolve).describe("File with the bearer token of `peer_url`."),
    })
    .transform((section) => ({
      databaseUrl: section.database_url,
      databasePasswordFile: section.database_password_file,
      witnessUrl: section.witness_url,
      witnessPasswordFile: section.witness_password_file,
      peerUrl: section.peer_url,
      peerTokenFile: section.peer_token_file,
    }));
}
