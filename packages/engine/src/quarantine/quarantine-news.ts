/**
 * Tells people that a site came back and is quarantined.
 *
 * Each quarantine is told once, whoever leads: that it was delivered is kept beside its record. Until
 * then it is tried again; whoever comes to lead meanwhile goes on with that. A leader that is lost
 * between delivery and record leaves it to be told twice, under the same key: rather that than never.
 */
import type { Application, SiteId } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { Notifier } from "../ports/notifier.ts";
import type { FactStore } from "../ports/state-store.ts";
import { tellPeople } from "../waiting/tell-people.ts";
import type { Quarantine } from "./quarantine.ts";

/** A pager that hangs must not hold up every look at the sites. */
const AGAIN_AFTER_MS = 15_000;

export interface QuarantineNewsPorts {
  readonly application: Pick<Application, "name">;
  readonly clock: Clock;
  readonly facts: FactStore;
  readonly notifier: Notifier;
}

export class QuarantineNews {
  readonly #ports: QuarantineNewsPorts;
  /** When people are told of sites they were not told of yet: epoch ms. */
  readonly #dueAtMs = new Map<SiteId, number>();

  constructor(ports: QuarantineNewsPorts) {
    this.#ports = ports;
  }

  /** Takes up a stored quarantine, which may have been told. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  async recall({ site, foundAtMs }: Quarantine): Promise<void> {
    const toldOf = await this.#ports.facts.get(toldKey(site));
    if (toldOf !== foundAtMs) this.#dueAtMs.set(site, this.#ports.clock.now());
  }

  /** There is a new quarantine to tell of. */
  begin({ site }: Quarantine): void {
    this.#dueAtMs.set(site, this.#ports.clock.now());
  }

  /** It is over: no news any more. */
  end(site: SiteId): void {
    this.#dueAtMs.delete(site);
  }

  /**
   * Tells people of it if they were not told and it is due.
   * @returns why they could not be told; null if they were, or need not be
   * @throws {CloudPhoenixError} `STATE_UNAVAILABLE` if it was told and that could not be kept
   */
  async tell(quarantine: Quarantine, signal: AbortSignal): Promise<string | null> {
    const { application, clock, facts } = this.#ports;
    const { site, foundAtMs } = quarantine;
    const dueAtMs = this.#dueAtMs.get(site);
    if (dueAtMs === undefined || clock.now() < dueAtMs) return null;
    const notice = {
      severity: "critical",
      title: `${application.name}: ${site} is quarantined`,
      text: `${quarantineText(quarantine)} Next: cloudphoenix quarantine show ${site}`,
      key: `quarantine-${site}-${foundAtMs}`,
    } as const;
    const failed = await tellPeople(this.#ports, notice, signal);
    if (failed !== null) {
      this.#dueAtMs.set(site, clock.now() + AGAIN_AFTER_MS);
      return failed;
    }
    this.#dueAtMs.delete(site);
    await facts.put(toldKey(site), foundAtMs);
    return null;
  }
}

/** What happened, for people and for the record. */
export function quarantineText({ site, writer, found, fence }: Quarantine): string {
  return (
    `${site} came back as ${found.role} of generation ${found.generation} while ${writer} writes. ` +
    `It is quarantined (fence: ${fence.degree}) and changes nothing until people decide what becomes of the writes it alone holds.`
  );
}

/** Key of the fact that names the newest quarantine of `site` people were told of, by when it was found. */
function toldKey(site: SiteId): string {
  return `quarantine-told:${site}`;
}
