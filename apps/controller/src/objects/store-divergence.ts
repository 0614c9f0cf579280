/**
 * Compares the stores of a returned site and of the writer, name by name, and tells what of it may exist
 * nowhere else: what was stored after the newest instant up to which everything is known to have been copied.
 */
import { type Application, CloudPhoenixError, messageOf, type SiteId } from "@cloudphoenix/core";
import type {
  Clock,
  DivergentObject,
  DivergentObjectPage,
  DivergentObjects,
  FactStore,
  Random,
} from "@cloudphoenix/engine";
import {
  CANARY_NAME,
  type CopiedVersions,
  type DivergentEntry,
  divergentObjects,
  type DivergentObjectsRequest,
  type ObjectEntry,
  QUICK_RETRIES,
  readParting,
  storedFacts,
} from "@cloudphoenix/objects";
import type { OpenPlace } from "./open-place.ts";

export interface StoreDivergenceOptions {
  readonly application: Pick<Application, "name">;
  readonly facts: Pick<FactStore, "get">;
  readonly copiedVersions: Pick<CopiedVersions, "of">;
  readonly clock: Clock;
  readonly random: Random;
  /** The store of `site`; whoever opens it closes it. */
  readonly openPlace: (site: SiteId) => Promise<OpenPlace>;
  /** How long a store may take for its first answer, while somebody waits for it. Default: 15 s. */
  readonly answerMs?: number;
}

const ANSWER_MS = 15_000;

export class StoreDivergence implements DivergentObjects {
  readonly #options: StoreDivergenceOptions;

  constructor(options: StoreDivergenceOptions) {
    this.#options = options;
  }

  /** See `DivergentObjects`. */
  async *compare(
    returned: SiteId,
    writer: SiteId,
    signal: AbortSignal,
  ): AsyncGenerator<DivergentObjectPage> {
    const places: OpenPlace[] = [];
    try {
      for (const site of [returned, writer]) places.push(await this.#answering(site, signal));
      const [here, there] = places;
      if (here === undefined || there === undefined) return;
      const wasCopied = await this.#wasCopied({ returned, writer, here }, signal);
      const request = { here, there, tools: this.#tools };
      for await (const { looked, found } of divergentObjects(request, signal)) {
        yield { looked, found: found.map((entry) => toldOf(entry, wasCopied(entry.here))) };
      }
    } catch (error) {
      throw known(error);
    } finally {
      for (const place of places) place.close();
    }
  }

  get #tools(): DivergentObjectsRequest["tools"] {
    const { clock, random } = this.#options;
    return { surroundings: { clock, random }, retries: QUICK_RETRIES };
  }

  /** The opened store of `site`, after its first answer. */
  async #answering(site: SiteId, signal: AbortSignal): Promise<OpenPlace> {
    let place: OpenPlace | null = null;
    const { answerMs = ANSWER_MS } = this.#options;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
    try {
      const opened = await this.#options.openPlace(site);
      place = opened;
      await storedFacts(opened.prefix + CANARY_NAME, { ...opened, tools: this.#tools }, limited);
      return opened;
    } catch (cause) {
      place?.close();
      const late = limited.aborted && !signal.aborted;
      const why = late ? `no answer within ${answerMs / 1_000} s` : messageOf(cause);
      const message = `the object store of ${site} cannot be asked: ${why}`;
      throw new CloudPhoenixError("UNREACHABLE", message, { retryable: true, hint: HINT, cause });
    }
  }

  #wasCopied(
    pair: { readonly returned: SiteId; readonly writer: SiteId; readonly here: OpenPlace },
    signal: AbortSignal,
  ): Promise<(stored: ObjectEntry) => boolean> {
    const { application, facts, copiedVersions } = this.#options;
    const { returned: site, writer: followedBy, here: place } = pair;
    const reading = { application: application.name, facts, copiedVersions };
    return readParting({ ...reading, site, followedBy, place }, signal);
  }
}

function toldOf({ name, here, there }: DivergentEntry, wasCopied: boolean): DivergentObject {
  const other = there === null ? "only-there" : "differs";
  return {
    key: name,
    kind: wasCopied ? "outdated" : other,
    sizeBytes: here.sizeBytes,
    modifiedMs: here.modifiedMs,
    writer: there === null ? null : { sizeBytes: there.sizeBytes, modifiedMs: there.modifiedMs },
  };
}

/** Whatever a store says, in the words of the port. */
function known(error: unknown): CloudPhoenixError {
  const isSaid = error instanceof CloudPhoenixError;
  if (isSaid && (error.code === "UNREACHABLE" || error.code === "ABORTED")) return error;
  const message = `the objects cannot be compared: ${messageOf(error)}`;
  return new CloudPhoenixError("UNREACHABLE", message, {
    retryable: true,
    hint: HINT,
    cause: error,
  });
}

const HINT = "Ask again when both stores answer; nothing was changed, and nothing is concluded.";
