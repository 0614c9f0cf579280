/**
 * Finds old primaries that come back, shuts them and finds out what they alone hold.
 *
 * 1. A site that is not active and says it is (or was) a writer is fenced explicitly, at once, for
 *    the generation of the current writer; again until the fence is confirmed, and whenever a write
 *    could pass it.
 * 2. What was read of a site, and what people decided about it, holds only while it stays shut: if
 *    it was open again, it is read again and they are asked again.
 * 3. What it holds is read, never changed. Nothing is given up here: that is a plan's work, after
 *    people decided (`quarantine/quarantine.ts`).
 * 4. The record is stored before anybody is told, and survives every restart; people are told until
 *    they were (`quarantine/quarantine-news.ts`). It ends when the site is a standby again.
 * 5. A record changes in order, each change made from the newest one: what people decide and what
 *    is seen of a site may come in the same millisecond.
 * 6. A site is left to the run under way only in a state that this run may have brought about
 *    (`isMadeBy`). However long its tail takes, or waits for people, an old primary that boots open
 *    meanwhile is shut.
 */
import {
  type Application,
  type FenceProof,
  type Json,
  type Plan,
  type Policy,
  type QuarantineFact,
  type SiteId,
  hasCode,
  messageOf,
  unreachable,
} from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { DatabaseControl, DatabaseState } from "../ports/database-control.ts";
import type { Notifier } from "../ports/notifier.ts";
import type { Salvage } from "../ports/salvage.ts";
import type { AuditLog, FactStore, RoleStore, RunStore } from "../ports/state-store.ts";
import { partingIn, partingKey } from "../quarantine/parting.ts";
import { QuarantineNews, quarantineText } from "../quarantine/quarantine-news.ts";
import {
  type Quarantine,
  quarantineFact,
  quarantineIn,
  quarantineKey,
} from "../quarantine/quarantine.ts";
import { withDeadline } from "../waiting/with-deadline.ts";
import { unfinishedOf } from "./run-activity.ts";

const LOOK_MS = 1_000;
const QUESTION_LIMIT_MS = 1_500;
/** Longer than a database gives itself for closing every table: its own reason says more. */
const FENCE_LIMIT_MS = 12_000;
/** A tail of hundreds of thousands of changes takes minutes; a look waits for nothing else. */
const DIVERGENCE_LIMIT_MS = 600_000;

export interface ReturnedPrimariesPorts {
  readonly application: Application;
  readonly policy: Pick<Policy, "approversForRisk">;
  readonly clock: Clock;
  readonly databases: Pick<DatabaseControl, "inspect" | "fence">;
  readonly salvage: Pick<Salvage, "inspect">;
  readonly roles: Pick<RoleStore, "read">;
  readonly runs: Pick<RunStore, "list">;
  readonly facts: FactStore;
  readonly audit: AuditLog;
  readonly notifier: Notifier;
}

/** What listeners are told: the record as it is now, or that it ended. */
export interface QuarantineListener {
  changed(site: SiteId, quarantine: Quarantine | null): void;
  trouble(message: string): void;
}

export class ReturnedPrimaries {
  readonly #ports: ReturnedPrimariesPorts;
  readonly #listener: QuarantineListener;
  readonly #news: QuarantineNews;
  readonly #known = new Map<SiteId, Quarantine>();
  /** Per site the end of the newest change of its record; never rejects. */
  readonly #changes = new Map<SiteId, Promise<unknown>>();

  constructor(ports: ReturnedPrimariesPorts, listener: QuarantineListener) {
    this.#ports = ports;
    this.#listener = listener;
    this.#news = new QuarantineNews(ports);
  }

  /** Newest records, in the application's order of sites. */
  get quarantines(): readonly Quarantine[] {
    return this.#ports.application.sites.flatMap(({ id }) => this.#known.get(id) ?? []);
  }

  /** What plans need to know of them; never waits. */
  get facts(): readonly QuarantineFact[] {
    const { approversForRisk } = this.#ports.policy;
    return this.quarantines.map((one) => quarantineFact(one, approversForRisk));
  }

  /** Keeps looking until `lost` aborts: while this process leads. */
  async run(lost: AbortSignal): Promise<void> {
    let loaded = false;
    while (!lost.aborted) {
      try {
        if (!loaded) await this.load();
        loaded = true;
        await this.look(lost);
        await this.#ports.clock.sleep(LOOK_MS, lost);
      } catch (error) {
        if (hasCode(error, "ABORTED")) continue;
        this.#listener.trouble(messageOf(error));
        await this.#ports.clock.sleep(LOOK_MS, lost).catch(() => undefined);
      }
    }
  }

  /** Takes up what an earlier process had stored. */
  async load(): Promise<void> {
    for (const { id } of this.#ports.application.sites) {
      const stored = quarantineIn(await this.#ports.facts.get(quarantineKey(id)));
      if (stored === null) continue;
      await this.#news.recall(stored);
      this.#known.set(id, stored);
      this.#listener.changed(id, stored);
    }
  }

  /** Looks at every site that is not active, once. */
  async look(signal: AbortSignal): Promise<void> {
    const { application, roles, runs } = this.#ports;
    // In this order: a run that settles the roles in between is still seen.
    const plan = unfinishedOf(await runs.list(10))?.plan ?? null;
    const { active, generation } = await roles.read();
    await Promise.all(
      application.sites
        .filter((site) => site.id !== active)
        .map(({ id }) => this.#lookAt(id, { active, generation, plan }, signal)),
    );
    // Shut first, told then.
    for (const quarantine of this.quarantines) await this.#tell(quarantine, signal);
  }

  /**
   * Changes the record of a site, for instance by a decision, and tells listeners. `next` is given the
   * newest record, if there is one, once every change before is stored; what it throws changes nothing.
   * Returned as it was, the record is neither stored nor told again.
   */
  change(site: SiteId, next: (newest: Quarantine | undefined) => Quarantine): Promise<Quarantine> {
    return this.#inOrder(site, async () => {
      const before = this.#known.get(site);
      const quarantine = next(before);
      const stored: Json = JSON.parse(JSON.stringify(quarantine));
      if (JSON.stringify(before) === JSON.stringify(quarantine)) return quarantine;
      await this.#ports.facts.put(quarantineKey(site), stored);
      this.#known.set(site, quarantine);
      this.#listener.changed(site, quarantine);
      return quarantine;
    });
  }

  /** A change that failed is its caller's; the next one goes on from what is stored. */
  #inOrder<T>(site: SiteId, work: () => Promise<T>): Promise<T> {
    const before = this.#changes.get(site) ?? Promise.resolve();
    const change = before.then(work);
    this.#changes.set(
      site,
      change.catch(() => undefined),
    );
    return change;
  }

  async #lookAt(
    site: SiteId,
    roles: { readonly active: SiteId; readonly generation: number; readonly plan: Plan | null },
    signal: AbortSignal,
  ): Promise<void> {
    const state = await this.#inspect(site, signal);
    if (state === null || state.role === "unprepared") return;
    if (state.role === "standby") {
      await this.#end(site, state);
      return;
    }
    let quarantine = this.#known.get(site);
    const isOpen = quarantine !== undefined && quarantine.fence.degree !== "confirmed";
    const isOfRun =
      roles.plan !== null && isMadeBy(roles.plan, { active: roles.active, site, state });
    // What no fence has surely shut is shut again, whoever else is at work on the site.
    if (isOfRun && !isOpen) return;
    const isShut = quarantine?.fence.degree === "confirmed" && !state.writesOpen;
    if (quarantine === undefined || !isShut || state.role === "active") {
      quarantine = await this.#fence(site, { ...roles, state, role: state.role }, signal);
    }
    if (quarantine.divergence === null) await this.#readDivergence(quarantine, signal);
  }

  /** Null if it does not answer: then there is nothing to look at. */
  async #inspect(site: SiteId, signal: AbortSignal): Promise<DatabaseState | null> {
    try {
      return await this.#limited(QUESTION_LIMIT_MS, `the database of ${site}`, signal, (limited) =>
        this.#ports.databases.inspect(site, limited),
      );
    } catch (error) {
      if (signal.aborted) throw error;
      return null;
    }
  }

  async #fence(
    site: SiteId,
    seen: {
      readonly active: SiteId;
      readonly generation: number;
      readonly state: DatabaseState;
      readonly role: "active" | "fenced";
    },
    signal: AbortSignal,
  ): Promise<Quarantine> {
    const { clock } = this.#ports;
    // The writer's own generation if it says one: a site ahead of its writer could never follow it.
    const writer = await this.#inspect(seen.active, signal);
    const generation = writer?.role === "active" ? writer.generation : seen.generation;
    const fence = await this.#proofOf(site, generation, signal);
    let before: Quarantine | undefined;
    const quarantine = await this.change(site, (newest) => {
      before = newest;
      return fencedRecord(newest, { ...seen, site, fence, nowMs: clock.now() });
    });
    if (before === undefined) this.#news.begin(quarantine);
    if (before === undefined) await this.#announce(quarantine, signal);
    else if (before.decisions.length > quarantine.decisions.length) await this.#void(before);
    return quarantine;
  }

  /** Decisions were about less than the site holds now. */
  async #void({ site, decisions }: Quarantine): Promise<void> {
    const { audit, clock } = this.#ports;
    await audit.append({
      atMs: clock.now(),
      who: "controller",
      what: `void the decisions about ${site}`,
      why: `${site} took writes again after they were made`,
      detail: JSON.parse(JSON.stringify(decisions)),
    });
  }

  async #proofOf(site: SiteId, generation: number, signal: AbortSignal): Promise<FenceProof> {
    try {
      return await this.#limited(FENCE_LIMIT_MS, `the fence of ${site}`, signal, (limited) =>
        this.#ports.databases.fence(site, generation, limited),
      );
    } catch (error) {
      if (signal.aborted) throw error;
      return { means: "database", degree: "unproven", detail: messageOf(error) };
    }
  }

  /** On record first, then to people. */
  async #announce(quarantine: Quarantine, signal: AbortSignal): Promise<void> {
    const { audit, clock } = this.#ports;
    await audit.append({
      atMs: clock.now(),
      who: "controller",
      what: `quarantine ${quarantine.site}`,
      why: quarantineText(quarantine),
      detail: { ...quarantine.fence },
    });
    await this.#tell(quarantine, signal);
  }

  async #tell(quarantine: Quarantine, signal: AbortSignal): Promise<void> {
    const failed = await this.#news.tell(quarantine, signal);
    if (failed !== null && !signal.aborted) this.#listener.trouble(failed);
  }

  async #readDivergence(quarantine: Quarantine, signal: AbortSignal): Promise<void> {
    const { site, writer } = quarantine;
    if (quarantine.fence.degree !== "confirmed") return;
    const parting = partingIn(await this.#ports.facts.get(partingKey(writer, site)));
    const appliedLsn = parting?.appliedLsn ?? null;
    try {
      if (appliedLsn === null) throw new Error(`where ${writer} and ${site} parted is not known`);
      const divergence = await this.#limited(
        DIVERGENCE_LIMIT_MS,
        `reading the log of ${site}`,
        signal,
        (limited) => this.#ports.salvage.inspect(site, appliedLsn, limited),
      );
      await this.change(site, (now = quarantine) => ({ ...now, divergence, trouble: null }));
    } catch (error) {
      if (signal.aborted) throw error;
      const trouble = messageOf(error);
      await this.change(site, (now = quarantine) => ({ ...now, trouble }));
    }
  }

  /** The site stands by again: whatever it was quarantined for is over. */
  async #end(site: SiteId, { generation }: DatabaseState): Promise<void> {
    const quarantine = this.#known.get(site);
    if (quarantine === undefined) return;
    const { audit, clock, facts } = this.#ports;
    await audit.append({
      atMs: clock.now(),
      who: "controller",
      what: `end quarantine of ${site}`,
      why: `it stands by at generation ${generation}`,
      detail: JSON.parse(JSON.stringify(quarantine)),
    });
    await this.#inOrder(site, async () => {
      await facts.put(quarantineKey(site), null);
      this.#known.delete(site);
      this.#news.end(site);
      this.#listener.changed(site, null);
    });
  }

  #limited<T>(
    limitMs: number,
    what: string,
    signal: AbortSignal,
    work: (limited: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return withDeadline({ clock: this.#ports.clock, limitMs, signal, what }, work);
  }
}

/** The record of a site that was fenced just now. */
function fencedRecord(
  before: Quarantine | undefined,
  seen: {
    readonly site: SiteId;
    readonly active: SiteId;
    readonly state: DatabaseState;
    readonly role: "active" | "fenced";
    readonly fence: FenceProof;
    readonly nowMs: number;
  },
): Quarantine {
  const { site, state, fence, nowMs } = seen;
  const wasOpen = state.writesOpen || before?.fence.degree !== "confirmed";
  // One that says it writes and can no longer be shut may have taken some.
  const slipped = before?.fence.degree === "confirmed" && fence.degree !== "confirmed";
  const reopened = before !== undefined && (state.writesOpen || slipped);
  return {
    site,
    writer: seen.active,
    foundAtMs: before?.foundAtMs ?? nowMs,
    found: before?.found ?? { role: seen.role, generation: state.generation },
    fence,
    reopenedAtMs: reopened ? nowMs : (before?.reopenedAtMs ?? null),
    divergence: wasOpen ? null : (before?.divergence ?? null),
    trouble: fence.degree === "confirmed" ? null : `its fence is ${fence.degree}: ${fence.detail}`,
    decisions: wasOpen ? [] : (before?.decisions ?? []),
  };
}

/**
 * Whether the state of `site` may be what the unfinished run of `plan` makes of it. Until a move has
 * settled the roles, its target is its own. Afterwards a failover is done with the site it left; a
 * planned move and a rejoin still turn theirs into a standby, and neither lets it write for that.
 */
function isMadeBy(
  { kind, from, to }: Plan,
  seen: { readonly active: SiteId; readonly site: SiteId; readonly state: DatabaseState },
): boolean {
  const { active, site, state } = seen;
  switch (kind) {
    case "heal":
      return false;
    case "region":
    case "dr":
      return active === from && site === to;
    case "switchover":
    case "failback":
      return active === from ? site === to : site === from && state.role !== "active";
    case "rejoin":
      return site === to && state.role !== "active";
    case "rollback":
      // Half prepared, it is shut by the run itself.
      return site === from && !state.writesOpen;
    default:
      return unreachable(kind);
  }
}
