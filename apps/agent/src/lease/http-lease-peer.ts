/** The agent of another site, asked over HTTP to promise that its site stays closed. */
import { CloudPhoenixError, type SiteId, messageOf } from "@cloudphoenix/core";
import type { LeasePeer } from "@cloudphoenix/engine";

export interface HttpLeasePeerOptions {
  readonly site: SiteId;
  /** Base URL without a trailing slash. */
  readonly url: string;
  /** Read for every question, so that a changed token needs no restart. */
  readonly token: () => Promise<string>;
}

/** Longer than any round of a keeper, which gives up by its signal; a guard against none. */
const LIMIT_MS = 10_000;

export class HttpLeasePeer implements LeasePeer {
  readonly site: SiteId;
  readonly #options: HttpLeasePeerOptions;

  constructor(options: HttpLeasePeerOptions) {
    this.site = options.site;
    this.#options = options;
  }

  async promise(
    wish: { readonly epoch: number; readonly durationMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    const answer = await this.#post(JSON.stringify(wish), signal);
    if (answer.ok) return;
    const because = await reasonOf(answer);
    const refused = answer.status === 409;
    const text = `the agent of ${this.site} ${refused ? "refuses to promise" : `answered ${answer.status}`}: ${because}`;
    throw new CloudPhoenixError(refused ? "PROMISE_REFUSED" : "UNREACHABLE", text, {
      retryable: true,
    });
  }

  async #post(body: string, signal: AbortSignal): Promise<Response> {
    const { url, token } = this.#options;
    try {
      return await fetch(`${url}/v1/promises`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${await token()}`,
          "content-type": "application/json",
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
      });
    } catch (cause) {
      const text = `the agent of ${this.site} does not answer: ${messageOf(cause)}`;
      throw new CloudPhoenixError("UNREACHABLE", text, { retryable: true, cause });
    }
  }
}

async function reasonOf(answer: Response): Promise<string> {
  try {
    const body: unknown = JSON.parse(await answer.text());
    const isObject = typeof body === "object" && body !== null && "message" in body;
    return isObject ? String(body.message) : "no reason given";
  } catch {
    return "no reason given";
  }
}
