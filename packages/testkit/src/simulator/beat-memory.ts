/** The heartbeats one controller knows to be acknowledged, by the rules of the real watch's memory. */
import type { SiteId } from "@cloudphoenix/core";

export class BeatMemory {
  readonly #newest = new Map<SiteId, number>();
  readonly #beforeStop = new Map<SiteId, number>();
  /** Sites whose writers are proven to have stopped, and whether a heartbeat was seen since. */
  readonly #stopped = new Map<SiteId, boolean>();

  /** When the newest one was written, by the controller's clock; null if none was seen. */
  newest(site: SiteId): number | null {
    return this.#newest.get(site) ?? null;
  }

  /** When the newest one was written that came before the writers stopped, or right after. */
  lastBeforeStop(site: SiteId): number | null {
    return this.#beforeStop.get(site) ?? null;
  }

  /** @returns whether it says that the site may have taken writes until then */
  note(site: SiteId, atMs: number, writesOpen: boolean): boolean {
    this.#newest.set(site, atMs);
    if (writesOpen) this.#stopped.delete(site);
    else if (this.#stopped.get(site) === true) return false;
    // The first one after the stop still counts: it says until when they may have written.
    else if (this.#stopped.has(site)) this.#stopped.set(site, true);
    this.#beforeStop.set(site, atMs);
    return true;
  }

  /** The writers of `site` are proven to have stopped: heartbeats from now on bound no loss. */
  noteStopped(site: SiteId): void {
    if (!this.#stopped.has(site)) this.#stopped.set(site, false);
  }
}
