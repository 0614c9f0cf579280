/**
 * A caching resolver that treats the TTL as a promise.
 *
 * Invariants:
 * 1. An answer is never used past its TTL, counted from before the question was sent, unless the
 *    caller allowed stale answers and the server cannot be asked.
 * 2. A failure is remembered for at most one second, so recovery is never hidden.
 * 3. Per name, one question is in flight at a time.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock, Random } from "@cloudphoenix/engine";
import { DnsClient } from "./dns-client.ts";
import type { DnsServerAddress } from "./exchange.ts";
import { RCODE, rcodeName } from "./rcode.ts";
import { canonicalName } from "./wire.ts";

const FAILURE_TTL_MAX_MS = 1000;

export interface ResolvedAddress {
  readonly address: string;
  readonly ttlMs: number;
  /** On the clock of the resolver. */
  readonly expiresAtMs: number;
}

export interface TtlResolverOptions {
  readonly server: DnsServerAddress;
  readonly clock: Clock;
  readonly random: Random;
  /** Limit of one question. @default 1000 */
  readonly timeoutMs?: number;
  /** How long a failure is remembered. @default 250, at most 1000 */
  readonly failureTtlMs?: number;
  /** How long after its TTL an answer still serves while the server fails. @default 0: never */
  readonly staleForMs?: number;
}

type Outcome =
  | { readonly kind: "address"; readonly value: ResolvedAddress }
  | { readonly kind: "failure"; readonly error: CloudPhoenixError };

interface Entry {
  readonly outcome: Outcome;
  readonly storedAtMs: number;
  readonly expiresAtMs: number;
}

/** Resolves IPv4 addresses as a well-behaved client does. */
export class TtlResolver {
  readonly #options: TtlResolverOptions;
  readonly #client: DnsClient;
  readonly #entries = new Map<string, Entry>();
  /** Last good answers, kept only to serve them stale. */
  readonly #lastGood = new Map<string, ResolvedAddress>();
  readonly #flights = new Map<string, Promise<Outcome>>();

  constructor(options: TtlResolverOptions) {
    this.#options = options;
    const { server, clock, random, timeoutMs = 1000 } = options;
    this.#client = new DnsClient({
      server,
      clock,
      random,
      timeoutMs,
      key: null,
      transport: "udp",
      recurse: true,
    });
  }

  /**
   * The address of `name`, from the cache while its TTL lasts.
   * @throws {CloudPhoenixError} `NOT_FOUND` if the name has no address, `UNREACHABLE` (both
   *   retryable), `ABORTED`
   */
  async resolve(name: string, signal?: AbortSignal): Promise<ResolvedAddress> {
    const key = canonicalName(name);
    const cached = this.#cached(key);
    const outcome = cached ?? (await withSignal(this.#fly(key), signal));
    if (outcome.kind === "address") return outcome.value;
    const stale = this.#stale(key, outcome.error);
    if (stale !== null) return stale;
    throw outcome.error;
  }

  #cached(name: string): Outcome | null {
    const entry = this.#entries.get(name);
    if (entry === undefined) return null;
    const now = this.#options.clock.now();
    // A clock that jumped back must not lengthen the TTL, so an answer "from the future" is out.
    return now >= entry.storedAtMs && now < entry.expiresAtMs ? entry.outcome : null;
  }

  #stale(name: string, error: CloudPhoenixError): ResolvedAddress | null {
    const last = this.#lastGood.get(name);
    // The server saying "no such name" is an answer; only silence may be bridged.
    if (last === undefined || error.code !== "UNREACHABLE") return null;
    const untilMs = last.expiresAtMs + (this.#options.staleForMs ?? 0);
    return this.#options.clock.now() < untilMs ? last : null;
  }

  #fly(name: string): Promise<Outcome> {
    const running = this.#flights.get(name);
    if (running !== undefined) return running;
    const flight = this.#ask(name).finally(() => this.#flights.delete(name));
    this.#flights.set(name, flight);
    return flight;
  }

  async #ask(name: string): Promise<Outcome> {
    const askedAtMs = this.#options.clock.now();
    const outcome = await this.#outcome(name, askedAtMs);
    const failureTtlMs = Math.min(this.#options.failureTtlMs ?? 250, FAILURE_TTL_MAX_MS);
    const storedAtMs = outcome.kind === "address" ? askedAtMs : this.#options.clock.now();
    const expiresAtMs =
      outcome.kind === "address" ? outcome.value.expiresAtMs : storedAtMs + failureTtlMs;
    this.#entries.set(name, { outcome, storedAtMs, expiresAtMs });
    if (outcome.kind === "address") this.#lastGood.set(name, outcome.value);
    return outcome;
  }

  async #outcome(name: string, askedAtMs: number): Promise<Outcome> {
    try {
      // Shared by every caller, so no single caller may abort it; the client has its own limit.
      const reply = await this.#client.query(name, "A", new AbortController().signal);
      const address = reply.answers.find((record) => record.type === "A");
      if (address === undefined) return { kind: "failure", error: noAddress(name, reply.rcode) };
      // An alias on the way may live shorter than the address behind it.
      const ttlMs = Math.min(...reply.answers.map((record) => record.ttlS)) * 1000;
      const value = { address: address.data, ttlMs, expiresAtMs: askedAtMs + ttlMs };
      return { kind: "address", value };
    } catch (error) {
      if (error instanceof CloudPhoenixError) return { kind: "failure", error };
      throw error;
    }
  }
}

function noAddress(name: string, rcode: number): CloudPhoenixError {
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) {
    const text = `the DNS server could not resolve ${name} (${rcodeName(rcode)})`;
    return new CloudPhoenixError("UNREACHABLE", text, {
      retryable: true,
      hint: "Look at the log of the DNS server.",
    });
  }
  return new CloudPhoenixError("NOT_FOUND", `${name} has no address (${rcodeName(rcode)})`, {
    retryable: true,
    hint: "Check the name and the zone that should hold it.",
  });
}

/** Lets one caller leave early without ending the question the others wait for. */
async function withSignal<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return work;
  const left = Promise.withResolvers<never>();
  const leave = (): void => {
    left.reject(
      new CloudPhoenixError("ABORTED", "the question was called off", {
        retryable: false,
        cause: signal.reason,
      }),
    );
  };
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([work, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
