/**
 * Lets the target read an object from its source itself, where that is known to be safe and found to work.
 *
 * 1. Only an object whose source tells an MD5 is copied so: the target's service compares what it read with it, and
 *    keeps nothing else. That also pins the version, as no condition on a foreign source would.
 * 2. The write is the same as when the bytes are streamed: condition, properties, tags, stamp.
 * 3. Whether the network and the rules of both clouds allow it is found out by doing it. What fails is streamed at
 *    once, and after some failures in a row everything is, for a while (`auto`); or it fails (`always`).
 * 4. The URL is made for one attempt, ends soon after it, and is shown to nobody but the target.
 */
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import type { CopyAttempt, SeenVersions } from "./copy-object.ts";
import { type CopyTools, call } from "./copy-tools.ts";
import { conditionOn, propertiesFor } from "./copy-whole.ts";
import type {
  ObjectEntry,
  ObjectFacts,
  ObjectStore,
  UrlCopyLimits,
  UrlCopyOutcome,
} from "./object-store.ts";
import { isPublicUrl } from "./public-url.ts";
import { throwIfAborted, withRetries } from "./retries.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * `auto`: where the source has a public address and the object is large enough; what does not work is streamed.
 * `always`: every object that can be, wherever the source is; what does not work fails. `never`: everything is streamed.
 */
export type ServerSideMode = "auto" | "always" | "never";

export interface ServerSideOptions {
  readonly mode: ServerSideMode;
  /** With `auto`: smaller objects are streamed. Default `SERVER_SIDE_MIN_BYTES`. */
  readonly minBytes?: number;
  /** With `auto`: whether the target could read such a URL. Default `isPublicUrl`. */
  readonly isReadable?: (url: URL) => boolean;
  /** Told once, when it is first given up for a while, and why. */
  readonly onGivenUp?: (because: string) => void;
}

/** What came of it so far. Plain data; its fields are a contract (`--json`). */
export interface ServerSideCounts {
  /** Read by the target itself; they are among those copied. */
  readonly objects: number;
  readonly bytes: number;
  /** Tried so, and then streamed. */
  readonly refused: number;
  /** Why the target could not read the last of them; null if none was refused. */
  readonly because: string | null;
  /** So many were refused in a row that others were not tried. */
  readonly givenUp: boolean;
}

const MIB = 1024 * 1024;

/**
 * About what 100 Mbit/s move in one long round trip (84 ms). Below it an object costs round trips, not
 * bandwidth, and this way costs one more: its properties are asked for, and the target connects to the source.
 */
export const SERVER_SIDE_MIN_BYTES: number = MIB;

const REFUSALS_IN_A_ROW_MAX = 3;
/** Networks and policies get mended while a worker runs; one object then tells. */
const AGAIN_MS = 15 * 60_000;
/** Below this rate between the clouds an attempt is given up. */
const SLOWEST_BYTES_PER_MS = 8 * 1024;
/** The URL outlives the attempt by this: clocks differ a little, and the target may read late. */
const URL_MARGIN_MS = 60_000;

/** The two stores as far as this way of copying needs them. */
interface Route {
  readonly limits: UrlCopyLimits;
  readonly readUrl: NonNullable<ObjectStore["readUrl"]>;
  readonly copyFromUrl: NonNullable<ObjectStore["copyFromUrl"]>;
}

/** Of one source and one target. */
export class ServerSideCopy {
  readonly #options: ServerSideOptions;
  readonly #clock: Surroundings["clock"];
  #objects = 0;
  #bytes = 0;
  #refused = 0;
  #refusedInARow = 0;
  #because: string | null = null;
  #givenUp = false;
  #closedUntilMs = Number.NEGATIVE_INFINITY;
  /** Told by the first URL: all of a source have one host. */
  #readable: boolean | null = null;

  constructor(options: ServerSideOptions, clock: Surroundings["clock"]) {
    this.#options = options;
    this.#clock = clock;
  }

  get counts(): ServerSideCounts {
    return {
      objects: this.#objects,
      bytes: this.#bytes,
      refused: this.#refused,
      because: this.#because,
      givenUp: this.#givenUp,
    };
  }

  /** Null: the object has to be streamed. @throws {CloudPhoenixError} as `copyObject` */
  async copy(
    seen: SeenVersions,
    tools: CopyTools,
    signal: AbortSignal,
  ): Promise<CopyAttempt | null> {
    const route = routeOf(tools);
    if (route === null || !this.#qualifies(seen.source, route.limits)) return null;
    if (await isHalfStreamed(seen, tools)) return null;
    const facts = await factsOf(seen.source, tools, signal);
    if (facts === null || facts.etag !== seen.source.etag) return { kind: "sourceChanged" };
    // A listing that tells no MD5 need not mean that there is none.
    const { md5, etag, sizeBytes } = facts;
    if (md5 === null || !this.#admits()) return null;
    const key = seen.targetKey;
    const { properties, tagsLost } = propertiesFor(tools, facts.properties, { key, etag, md5 });
    const request = { key, properties, condition: conditionOn(seen.target) };
    const attempt = async (
      limited: AbortSignal,
      validMs: number,
    ): Promise<UrlCopyOutcome | null> => {
      const url = await route.readUrl(facts.key, validMs, limited);
      if (!this.#isFit(url.reveal(), route.limits)) return null;
      return route.copyFromUrl(request, { url, md5, sizeBytes, validMs }, limited);
    };
    const outcome = await this.#outcomeOf(attempt, { sizeBytes, tools, signal });
    if (outcome === null) return null;
    if (outcome.kind === "targetChanged" || outcome.kind === "sourceChanged") return outcome;
    this.#copied(sizeBytes);
    tools.onBytes?.(sizeBytes);
    const targetEtag = outcome.stored.etag;
    return { kind: "copied", sizeBytes, sourceEtag: etag, targetEtag, tagsLost, partsKept: 0 };
  }

  #qualifies({ sizeBytes }: ObjectEntry, { maxBytes }: UrlCopyLimits): boolean {
    const { mode, minBytes = SERVER_SIDE_MIN_BYTES } = this.#options;
    if (mode === "never" || sizeBytes > maxBytes) return false;
    if (mode === "always") return true;
    return this.#isOpen && sizeBytes >= minBytes && this.#readable !== false;
  }

  get #isOpen(): boolean {
    return this.#clock.now() >= this.#closedUntilMs;
  }

  /** After it was given up, one object tells for all whether it works by now. */
  #admits(): boolean {
    if (this.#options.mode === "always") return true;
    if (!this.#isOpen) return false;
    if (this.#refusedInARow >= REFUSALS_IN_A_ROW_MAX) this.#close();
    return true;
  }

  #close(): void {
    this.#closedUntilMs = this.#clock.now() + AGAIN_MS;
  }

  #isFit(url: string, { urlMaxCharacters }: UrlCopyLimits): boolean {
    const { mode, isReadable = isPublicUrl } = this.#options;
    this.#readable ??= mode === "always" || isReadable(new URL(url));
    return this.#readable && url.length <= urlMaxCharacters;
  }

  /** Null: it is to be streamed. */
  async #outcomeOf(
    attempt: (limited: AbortSignal, validMs: number) => Promise<UrlCopyOutcome | null>,
    of: { readonly sizeBytes: number; readonly tools: CopyTools; readonly signal: AbortSignal },
  ): Promise<
    | Extract<UrlCopyOutcome, { kind: "stored" }>
    | Extract<CopyAttempt, { kind: "sourceChanged" | "targetChanged" }>
    | null
  > {
    const { tools, signal, sizeBytes } = of;
    const isFirm = this.#options.mode === "always";
    const limitMs = Math.max(
      tools.retries.attemptLimitMs,
      URL_MARGIN_MS + sizeBytes / SLOWEST_BYTES_PER_MS,
    );
    // What can be streamed instead is not waited for: streaming asks again.
    const attempts = isFirm ? tools.retries.attempts : 1;
    const policy = { ...tools.retries, attempts, attemptLimitMs: limitMs };
    const { surroundings, onRetry } = tools;
    try {
      const outcome = await withRetries((limited) => attempt(limited, limitMs + URL_MARGIN_MS), {
        surroundings,
        policy,
        signal,
        ...(onRetry === undefined ? {} : { onRetry }),
      });
      if (outcome === null || outcome.kind === "stored") return outcome;
      // The normal way tells whether the source has changed.
      if (outcome.kind === "otherBytes" && isFirm) return { kind: "sourceChanged" };
      const because = outcome.kind === "unreadable" ? outcome.because : "it read other bytes";
      if (isFirm) throw unreadable(because);
      this.#refuse(because);
    } catch (error) {
      throwIfAborted(signal);
      if (hasCode(error, "OBJECT_CHANGED") || hasCode(error, "OBJECT_GONE")) {
        return { kind: "targetChanged" };
      }
      if (isFirm || !(error instanceof CloudPhoenixError)) throw error;
      if (error.retryable) onRetry?.(error);
      this.#refuse(error.message);
    }
    return null;
  }

  #copied(sizeBytes: number): void {
    this.#objects += 1;
    this.#bytes += sizeBytes;
    this.#refusedInARow = 0;
    this.#closedUntilMs = Number.NEGATIVE_INFINITY;
  }

  #refuse(because: string): void {
    this.#refused += 1;
    this.#refusedInARow += 1;
    this.#because = because;
    if (this.#refusedInARow < REFUSALS_IN_A_ROW_MAX) return;
    this.#close();
    if (this.#givenUp) return;
    this.#givenUp = true;
    this.#options.onGivenUp?.(because);
  }
}

/** Null: the two stores cannot do it. */
function routeOf({ source, target }: CopyTools): Route | null {
  const limits = target.capabilities.urlCopy;
  const readUrl = source.readUrl?.bind(source);
  const copyFromUrl = target.copyFromUrl?.bind(target);
  if (limits === null || readUrl === undefined || copyFromUrl === undefined) return null;
  return { limits, readUrl, copyFromUrl };
}

/** What an earlier run has sent in parts is gone on with. */
async function isHalfStreamed(
  { source, targetKey }: SeenVersions,
  { sizes, journal }: CopyTools,
): Promise<boolean> {
  return source.sizeBytes > sizes.wholeMaxBytes && (await journal.find(targetKey)) !== null;
}

async function factsOf(
  source: ObjectEntry | ObjectFacts,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<ObjectFacts | null> {
  if ("properties" in source) return source;
  return call(tools, signal, (limited) => tools.source.head(source.key, limited));
}

function unreadable(because: string): CloudPhoenixError {
  const message = `the target could not read it from its source: ${because}`;
  return new CloudPhoenixError("OBJECT_REFUSED", message, {
    retryable: false,
    hint: "Let the target's cloud read the source, or stream: server-side copy `auto` or `never`.",
  });
}
