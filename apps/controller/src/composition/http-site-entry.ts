/** Asks a site's entry the way a user's request would arrive: new connection, real path. */

import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { CloudPhoenixError, messageOf, type SiteId, type Status } from "@cloudphoenix/core";
import type { SiteEntry } from "@cloudphoenix/engine";
import { z } from "zod";

const ANSWER_MAX_BYTES = 65_536;
/** A step asks every 100 ms or so until its own limit; one question must not use that up. */
const QUESTION_LIMIT_MS = 1_500;

/** The part of `/health` that is believed; the service may say more. */
const healthDocument = z.looseObject({
  status: z.enum(["healthy", "degraded", "unhealthy"]),
  site: z.string(),
  role: z.string(),
  generation: z.int(),
  writesOpen: z.boolean(),
  dependencies: z
    .array(z.looseObject({ name: z.string(), status: z.string(), error: z.string().optional() }))
    .default([]),
});

type Health = z.infer<typeof healthDocument>;
type Finding = { readonly status: Status; readonly detail: string };

export interface HttpSiteEntryOptions {
  /** Base URL of each site's entry. */
  readonly entries: ReadonlyMap<SiteId, string>;
}

/**
 * `SiteEntry` over HTTP. A site that does not answer, answers for another site, or is in the wrong
 * state is `unhealthy` with the reason; nothing is thrown for it.
 */
export class HttpSiteEntry implements SiteEntry {
  readonly #entries: ReadonlyMap<SiteId, string>;

  constructor(options: HttpSiteEntryOptions) {
    this.#entries = options.entries;
  }

  async check(
    site: SiteId,
    expect: "standing-by" | "serving",
    signal: AbortSignal,
  ): Promise<Finding> {
    const base = this.#entries.get(site);
    if (base === undefined) return unhealthy(`no entry is configured for ${site}`);
    const limited = AbortSignal.any([signal, AbortSignal.timeout(QUESTION_LIMIT_MS)]);
    try {
      const health = healthDocument.safeParse(await getJson(`${base}/health`, limited));
      return health.success
        ? judge(site, expect, health.data)
        : unhealthy("what answers /health is not the application");
    } catch (error) {
      if (signal.aborted) {
        const text = `the question to the entry of ${site} was called off`;
        throw new CloudPhoenixError("ABORTED", text, { retryable: true, cause: error });
      }
      const why = limited.aborted ? `no answer within ${QUESTION_LIMIT_MS} ms` : messageOf(error);
      return unhealthy(`its entry does not answer: ${why}`);
    }
  }
}

function judge(site: SiteId, expect: "standing-by" | "serving", health: Health): Finding {
  const { status, generation, writesOpen, role } = health;
  if (health.site !== site) return unhealthy(`its entry is answered by ${health.site}`);
  if (status === "unhealthy") return unhealthy(troublesOf(health));
  const state = `${role}, generation ${generation}, writes ${writesOpen ? "open" : "refused"}`;
  if (writesOpen !== (expect === "serving")) {
    return unhealthy(`it is up but not ${expect}: ${state}`);
  }
  return { status, detail: status === "healthy" ? state : `${state}; ${troublesOf(health)}` };
}

function troublesOf({ status, dependencies }: Health): string {
  const troubled = dependencies.filter((one) => one.status !== "healthy");
  const words = troubled.map(({ name, status: said, error }) =>
    error === undefined ? `${name} ${said}` : `${name} ${said}: ${error}`,
  );
  return words.join(", ") || `it says it is ${status}`;
}

function unhealthy(detail: string): Finding {
  return { status: "unhealthy", detail };
}

/** The JSON of an answer of any status: an unhealthy service explains itself with a 503. */
function getJson(address: string, signal: AbortSignal): Promise<unknown> {
  const url = new URL(address);
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", reject);
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_MAX_BYTES) asked.destroy(new Error("the answer is too long"));
      });
      response.on("end", () => resolve(parsed(text)));
    });
    asked.on("error", reject);
    asked.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
