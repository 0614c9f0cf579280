/**
 * Notes which versions of both sites are known to have been at the other one, from memory to `CopiedVersions`,
 * every second. What cannot be written in time is lost in the safe direction: it is not known.
 */
import { type CopiedObject, type CopiedVersions, modifiedSecond } from "../copied-versions.ts";
import type { ObjectEntry } from "../object-store.ts";
import { takesPart } from "../own-names.ts";
import type { Surroundings } from "../surroundings.ts";
import { isInParts } from "./in-parts.ts";

export interface CopiedNotesOptions {
  readonly from: string;
  readonly to: string;
  readonly copiedVersions: CopiedVersions;
  readonly clock: Surroundings["clock"];
  /** Everything stored at the source until then is copied; null is unknown. */
  readonly copiedUntilMs: () => number | null;
}

/** Waiting for the next write; further ones are not noted. */
const WAITING_MAX = 20_000;
/** Objects in parts that are not noted again because both sides still have them. */
const KNOWN_MAX = 50_000;
/** One write. */
const BATCH_MAX = 2_000;
const EVERY_MS = 1_000;
const TIDY_EVERY_MS = 60_000;
/** What was noted so long before a mark was certainly stored before it. */
const TIDY_MARGIN_MS = 60_000;

type Side = "from" | "to";

interface Waiting {
  readonly side: Side;
  readonly name: string;
  /** Null: not at the other side any more. */
  readonly version: CopiedObject | null;
}

export class CopiedNotes {
  readonly #options: CopiedNotesOptions;
  readonly #waiting = new Map<string, Waiting>();
  /** ETags of objects in parts, by side and name. */
  readonly #known = new Map<string, string>();

  constructor(options: CopiedNotesOptions) {
    this.#options = options;
  }

  /** The version that the source has was copied to the target, or found there. */
  copied(name: string, source: ObjectEntry): void {
    this.#add("from", name, versionOf(name, source));
  }

  /** Both listings show the same. Of what a mark of time covers nothing has to be noted. */
  same(name: string, source: ObjectEntry, target: ObjectEntry): void {
    this.#inParts("from", name, source);
    this.#inParts("to", name, target);
  }

  /** The copy was deleted, as the original was. */
  deleted(name: string): void {
    this.#known.delete(keyOf("from", name));
    this.#add("from", name, null);
  }

  /** Writes every second, and tidies up now and then. @throws {CloudPhoenixError} as `flush`; `ABORTED` */
  async run(signal: AbortSignal): Promise<never> {
    const { clock } = this.#options;
    for (;;) {
      const untilMs = clock.now() + TIDY_EVERY_MS;
      while (clock.now() < untilMs) {
        await clock.sleep(EVERY_MS, signal);
        await this.flush();
      }
      await this.#tidy();
    }
  }

  /** Writes what waits. @throws {CloudPhoenixError} `STATE_UNAVAILABLE`; it waits on then */
  async flush(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, BATCH_MAX);
      for (const side of ["from", "to"] as const) await this.#write(side, batch);
      for (const [key, written] of batch) {
        if (this.#waiting.get(key) === written) this.#waiting.delete(key);
      }
    }
  }

  async #tidy(): Promise<void> {
    const { copiedVersions, from, to, copiedUntilMs } = this.#options;
    await copiedVersions.tidy(from, (copiedUntilMs() ?? -Infinity) - TIDY_MARGIN_MS);
    await copiedVersions.tidy(to, -Infinity);
  }

  async #write(side: Side, batch: readonly (readonly [string, Waiting])[]): Promise<void> {
    const { copiedVersions, clock, [side]: site } = this.#options;
    const notes = batch.map(([, waiting]) => waiting).filter((one) => one.side === side);
    const versions = notes.flatMap(({ version }) => version ?? []);
    const gone = notes.filter(({ version }) => version === null).map(({ name }) => name);
    if (versions.length > 0) await copiedVersions.note(site, versions, clock.now());
    if (gone.length > 0) await copiedVersions.forget(site, gone);
  }

  #inParts(side: Side, name: string, entry: ObjectEntry): void {
    if (!isInParts(entry)) return;
    const key = keyOf(side, name);
    if (this.#known.get(key) === entry.etag) return;
    // More than can be known would drive each other out at every comparison.
    if (this.#known.size >= KNOWN_MAX && !this.#known.has(key)) return;
    if (this.#add(side, name, versionOf(name, entry))) this.#known.set(key, entry.etag);
  }

  /** False if it takes no part, or too much waits already. */
  #add(side: Side, name: string, version: CopiedObject | null): boolean {
    const key = keyOf(side, name);
    if (!takesPart(name)) return false;
    if (this.#waiting.size >= WAITING_MAX && !this.#waiting.has(key)) return false;
    this.#waiting.set(key, { side, name, version });
    return true;
  }
}

function versionOf(name: string, entry: ObjectEntry): CopiedObject {
  const { etag } = entry;
  return { name, etag, modifiedS: modifiedSecond(entry), inParts: isInParts(entry) };
}

function keyOf(side: Side, name: string): string {
  return `${side} ${name}`;
}
