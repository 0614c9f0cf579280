/** Finds out where clients end up by doing what they do: resolve, connect, ask who answered. */
import { request } from "node:http";
import { messageOf } from "@cloudphoenix/core";
import type { ConvergenceProbe, ConvergenceSample } from "@cloudphoenix/engine";
import type { ResolvedAddress } from "./ttl-resolver.ts";

/** More than this is not an answer of `/cloud-status`. */
const BODY_BYTES_MAX = 16_384;

export interface DnsConvergenceOptions {
  /** The vantage this process asks from. */
  readonly vantage: string;
  readonly resolver: { resolve(name: string, signal?: AbortSignal): Promise<ResolvedAddress> };
  /** The name clients use, and the port they use at its address. */
  readonly name: string;
  readonly port: number;
  /** Limit of one sample. @default 2000 */
  readonly timeoutMs?: number;
}

/**
 * One sample per call, from the vantage of this process. Honours the TTL as the resolver does, and
 * opens a new connection each time. A failure is a sample without a site, never an error.
 */
export class DnsConvergenceProbe implements ConvergenceProbe {
  readonly #options: DnsConvergenceOptions;

  constructor(options: DnsConvergenceOptions) {
    this.#options = options;
  }

  async sample(signal: AbortSignal): Promise<readonly ConvergenceSample[]> {
    const { vantage, resolver, name, timeoutMs = 2000 } = this.#options;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const { address } = await resolver.resolve(name, limited);
      const site = await this.#whoAnswers(address, limited);
      return [{ vantage, site, detail: `${name} is ${address}, answered by ${site}` }];
    } catch (error) {
      const reason = limited.aborted ? "no answer in time" : messageOf(error);
      return [{ vantage, site: null, detail: `${name}: ${reason}`.slice(0, 200) }];
    }
  }

  #whoAnswers(address: string, signal: AbortSignal): Promise<string> {
    const { name, port } = this.#options;
    return new Promise((resolve, reject) => {
      const asked = request({
        host: address,
        port,
        path: "/cloud-status",
        headers: { host: name },
        agent: false,
        signal,
      });
      asked.on("error", reject);
      asked.on("response", (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("error", reject);
        response.on("data", (chunk: string) => {
          body += chunk;
          if (body.length > BODY_BYTES_MAX) asked.destroy(new Error("the answer is too long"));
        });
        response.on("end", () => {
          const site = response.statusCode === 200 ? siteIn(body) : null;
          if (site !== null) resolve(site);
          else reject(new Error(`HTTP ${response.statusCode ?? 0} without a site`));
        });
      });
      asked.end();
    });
  }
}

function siteIn(body: string): string | null {
  try {
    const parsed: unknown = JSON.parse(body);
    const isStatus = typeof parsed === "object" && parsed !== null && "site" in parsed;
    return isStatus && typeof parsed.site === "string" ? parsed.site : null;
  } catch {
    return null;
  }
}
