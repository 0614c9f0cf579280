/**
 * Users and the services that take their writes.
 *
 * 1. Every write has an id of its own; a client that gets no answer does not repeat it.
 * 2. A client holds on to its connection until it breaks, and to a resolved name for its TTL.
 * 3. A service acknowledges a write only while the lease it was told about cannot have run out,
 *    counted from before it asked (the ack fence).
 * 4. Some clients stand inside a site and reach it whatever is cut outside.
 */
import type { WriteAnswer } from "./database.ts";
import { type Site, serves } from "./sites.ts";
import type { World } from "./world.ts";

const WRITE_EVERY_MS = 400;
const CALM_WRITE_EVERY_MS = 800;
const BUSY_WRITE_EVERY_MS = 120;
const PATIENCE_MS = 1_000;
/** A healthy connection is kept this long before the name is resolved again. */
const KEEP_ALIVE_MS = 15_000;

export class Clients {
  readonly #world: World;
  #writes = 0;

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    for (let index = 0; index < 2; index += 1) this.#startRemote(index);
    for (const site of this.#world.sites) this.#startLocal(site);
  }

  #startRemote(index: number): void {
    const { world } = this;
    const { internet, scheduler } = world;
    const resolved = { site: world.dns.site, atMs: -index * 400 };
    let since = 0;
    const turn = (): void => {
      const nowMs = scheduler.nowMs;
      const stale = nowMs - resolved.atMs > world.dns.ttlMs;
      if (stale && nowMs - since > KEEP_ALIVE_MS && world.network.isOpen(internet.name, "edge")) {
        resolved.site = world.dns.site;
        resolved.atMs = nowMs;
        since = nowMs;
      }
      this.#write(internet.name, world.site(resolved.site), (isWell) => {
        // A broken connection makes the client resolve anew.
        if (!isWell) since = -KEEP_ALIVE_MS;
      });
      scheduler.after(world.phases.now === "idle" ? CALM_WRITE_EVERY_MS : WRITE_EVERY_MS, turn);
    };
    scheduler.after(index * 90, turn);
  }

  #startLocal(site: Site): void {
    const turn = (): void => {
      // A standby refuses at once: nothing that is judged can come of it.
      if (site.database.role === "active") this.#write(site.entry.name, site, () => undefined);
      // While something happens, often enough that no gap between two writers hides between two writes.
      const isCalm = this.world.phases.now === "idle";
      this.world.scheduler.after(isCalm ? CALM_WRITE_EVERY_MS : BUSY_WRITE_EVERY_MS, turn);
    };
    this.world.scheduler.after(this.world.chance.between(0, WRITE_EVERY_MS), turn);
  }

  /** A standby refuses at once; asking it over the whole way would only cost time. */
  #write(from: string, site: Site, ended: (isWell: boolean) => void): void {
    const { world } = this;
    this.#writes += 1;
    const id = this.#writes;
    let open = true;
    const end = (isWell: boolean): void => {
      if (!open) return;
      open = false;
      patience.fire = null;
      ended(isWell);
    };
    const patience = world.scheduler.after(PATIENCE_MS, () => end(false));
    const reply = (answer: () => void): void => {
      if (from === site.entry.name) answer();
      else world.network.send(site.entry.name, from, answer);
    };
    const arrive = (): void => {
      if (!site.entry.up || site.pods.ready === 0) {
        reply(() => end(false));
        return;
      }
      site.entry.receive(() => {
        if (!serves(site)) return;
        this.#serve(site, id, (saved) => {
          if (saved !== null && !world.judge.losses.reachedNewWriter(id)) {
            world.truth.acknowledges(site.id, saved);
          }
          reply(() => {
            if (saved !== null) world.truth.acknowledged.set(id, site.id);
            end(saved !== null);
          });
        });
      });
    };
    if (from === site.entry.name) arrive();
    else world.network.send(from, site.entry.name, arrive);
  }

  /** What the service does with a write: asks its database, and thinks before it says "saved". */
  #serve(site: Site, id: number, answer: (epoch: number | null) => void): void {
    const { entry, database } = site;
    const { network } = this.world;
    const sentAtMs = entry.readClock();
    const got = (result: WriteAnswer): void => {
      if (result.kind === "refused") {
        answer(null);
        return;
      }
      const tookMs = entry.readClock() - sentAtMs;
      const proven = tookMs < result.leaseLeftMs || this.world.sabotages.has("no-ack-fence");
      answer(proven ? result.epoch : null);
    };
    network.send(entry.name, database.process.name, () =>
      database.process.receive(() =>
        database.write(id, (result) =>
          network.send(database.process.name, entry.name, () => entry.receive(() => got(result))),
        ),
      ),
    );
  }

  private get world(): World {
    return this.#world;
  }
}
