/**
 * Posts notices to a webhook.
 *
 * The URL is a secret: chat webhooks carry their key in it. It appears in no error, no log line and
 * no cause; the webhook is called by its configured name instead.
 */
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import type { Clock, Notice, Notifier, Random } from "@cloudphoenix/engine";

export interface WebhookOptions {
  /** What people call it, for instance `notify[0]`. */
  readonly name: string;
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Limit of one attempt. @default 3000 */
  readonly timeoutMs?: number;
  /** @default 3 */
  readonly attempts?: number;
  /** First pause between attempts; doubles, and half of it is chance. @default 500 */
  readonly pauseMs?: number;
}

/** How one attempt went; `reason` never holds the URL. */
type Attempt =
  | { readonly kind: "delivered" }
  | { readonly kind: "failed"; readonly reason: string; readonly final: boolean };

/** Sends `{severity, title, text, key}` as JSON. */
export class WebhookNotifier implements Notifier {
  readonly #options: WebhookOptions;
  readonly #url: URL;

  /** @throws {CloudPhoenixError} `CONFIG_INVALID` unless `url` is an http or https URL */
  constructor(options: WebhookOptions) {
    this.#options = options;
    const url = URL.canParse(options.url) ? new URL(options.url) : null;
    if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
      const text = `the URL of webhook ${options.name} is not an http or https URL`;
      throw new CloudPhoenixError("CONFIG_INVALID", text, {
        retryable: false,
        hint: "Correct the file that holds the URL of the webhook.",
      });
    }
    this.#url = url;
  }

  /**
   * Delivers within `attempts` tries. Receivers may drop repeats by the `Idempotency-Key` header.
   * @throws {CloudPhoenixError} `UNREACHABLE` if it could not be delivered, `ABORTED`
   */
  async notify(notice: Notice, signal: AbortSignal): Promise<void> {
    const { attempts = 3, pauseMs = 500, clock, random, name } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#post(notice, signal);
      if (outcome.kind === "delivered") return;
      if (signal.aborted) throw aborted(name);
      if (outcome.final || attempt >= attempts) throw undelivered(name, outcome.reason, attempt);
      const capMs = pauseMs * 2 ** (attempt - 1);
      try {
        await clock.sleep(capMs / 2 + (random.next() * capMs) / 2, signal);
      } catch (error) {
        if (hasCode(error, "ABORTED")) throw aborted(name);
        throw error;
      }
    }
  }

  async #post(notice: Notice, signal: AbortSignal): Promise<Attempt> {
    const { timeoutMs = 3000 } = this.#options;
    const { severity, title, text, key } = notice;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          // Header values are latin-1 at most; the key may be any text.
          "idempotency-key": encodeURIComponent(key),
        },
        body: JSON.stringify({ severity, title, text, key }),
        // A redirect would hand the notice to somebody who was not configured.
        redirect: "manual",
        signal: limited,
      });
      await response.body?.cancel();
      return judge(response.status);
    } catch (error) {
      return { kind: "failed", reason: reasonOf(error, timeoutMs), final: false };
    }
  }
}

/** 408, 429 and server errors may pass; every other refusal is for good (RFC 9110 section 15). */
function judge(status: number): Attempt {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  const mayPass = status === 408 || status === 429 || status >= 500;
  return { kind: "failed", reason: `HTTP ${status}`, final: !mayPass };
}

/** The system's code alone: messages and causes of `fetch` may quote the URL. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === "TimeoutError") {
    return `no answer within ${timeoutMs} ms`;
  }
  const cause = error instanceof Error ? error.cause : undefined;
  const isCoded = typeof cause === "object" && cause !== null && "code" in cause;
  return isCoded && typeof cause.code === "string" ? cause.code : "the connection failed";
}

function undelivered(name: string, reason: string, attempts: number): CloudPhoenixError {
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const text = `webhook ${name} took no notice after ${tries}: ${reason}`;
  return new CloudPhoenixError("UNREACHABLE", text, {
    retryable: true,
    hint: "Check that the webhook exists and can be reached from here.",
  });
}

function aborted(name: string): CloudPhoenixError {
  const text = `the notice to webhook ${name} was called off`;
  return new CloudPhoenixError("ABORTED", text, { retryable: false });
}
