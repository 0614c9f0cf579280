/** Lets the faults of a schedule strike when they are due, and takes them back. */
import { startAgent } from "./agent.ts";
import { chanceOf } from "./chance.ts";
import type { Controller } from "./controller.ts";
import { type Arena, FAULTS, type FaultKind, MOVERS, activeSite } from "./faults.ts";
import type { Operators } from "./operators.ts";
import type { Phase } from "./phases.ts";
import type { ProbeField } from "./probes.ts";
import type { Process } from "./process.ts";
import type { Site } from "./sites.ts";
import type { World } from "./world.ts";

/** One fault of a schedule. */
export interface Fault {
  readonly kind: FaultKind;
  /** At an instant, or some time after a phase of a failover has begun. */
  readonly when: { readonly atMs: number } | { readonly phase: Phase; readonly afterMs: number };
  /** Null: for ever. */
  readonly lastsMs: number | null;
  /** What it hits where it has a choice. */
  readonly roll: number;
}

/** A fault that struck. */
export interface Struck {
  readonly fault: Fault;
  readonly atMs: number;
  /** The active site at that time. */
  readonly active: Site;
  endedMs: number | null;
}

/** What a fault leaves behind is over a little after the fault: connections are made anew. */
const AFTERMATH_MS = 3_000;

/** Faults that are over at once and leave something that stays. */
const LEAVES_TRACES: readonly FaultKind[] = [
  "pods-down",
  "database-clock-set-back",
  "database-clock-set-forward",
  "people-switch-over",
  "people-roll-back",
  "people-cancel",
];

export class Disasters {
  readonly #world: World;
  readonly #arena: Arena;
  readonly #parts: { readonly controllers: readonly Controller[]; readonly probes: ProbeField };
  readonly #covered = new Set<string>();
  readonly #holds = new Map<Process, { down: number; frozen: number }>();
  readonly struck: Struck[] = [];
  #lastChangeMs = 2_000;

  constructor(
    world: World,
    parts: {
      readonly controllers: readonly Controller[];
      readonly operators: Operators;
      readonly probes: ProbeField;
    },
  ) {
    this.#world = world;
    this.#parts = parts;
    const { controllers, operators } = parts;
    this.#arena = { world, controllers, operators, hold: (one, how) => this.#hold(one, how) };
  }

  /** `<fault> <phase>` of everything that struck. */
  get covered(): readonly string[] {
    return [...this.#covered];
  }

  /** When the last change made from outside is over, as far as is known now. */
  get lastChangeMs(): number {
    return this.#lastChangeMs;
  }

  /** What took the site that was active then away for good. */
  get forGood(): readonly Struck[] {
    return this.struck.filter(({ fault }) => fault.lastsMs === null);
  }

  /**
   * What struck and was not over between two instants, except what only made `lost` look dead: a
   * move away from there is made for that.
   */
  troublesBeside(lost: string, fromMs: number, untilMs: number): readonly Struck[] {
    return this.struck.filter(({ fault, active, atMs, endedMs }) => {
      if (active.id === lost && MOVERS.includes(fault.kind)) return false;
      if (atMs > untilMs) return false;
      const stays = endedMs === null || LEAVES_TRACES.includes(fault.kind);
      return stays || endedMs + AFTERMATH_MS >= fromMs;
    });
  }

  plan(faults: readonly Fault[]): void {
    for (const fault of faults) {
      const { when } = fault;
      if ("atMs" in when) {
        this.#touch(when.atMs);
        this.#world.scheduler.after(when.atMs, () => this.#strike(fault));
      } else {
        this.#world.phases.onceIn(when.phase, () => {
          this.#touch(this.#world.scheduler.nowMs + when.afterMs);
          this.#world.scheduler.after(when.afterMs, () => this.#strike(fault));
        });
      }
    }
  }

  #strike(fault: Fault): void {
    const { scheduler, truth, phases, settings } = this.#world;
    const { kind, lastsMs, roll } = fault;
    const forever = lastsMs === null;
    const lasts = forever ? "for ever" : `for ${lastsMs} ms`;
    truth.note(`FAULT ${kind} ${lasts} (phase ${phases.now})`);
    this.#covered.add(`${kind} ${phases.now}`);
    const active = activeSite(this.#arena);
    const lift = FAULTS[kind](this.#arena, chanceOf(settings.seed, `${kind} ${roll}`));
    const struck: Struck = { fault, atMs: scheduler.nowMs, active, endedMs: null };
    this.struck.push(struck);
    this.#touch(scheduler.nowMs + (lastsMs ?? 0));
    if (forever) return;
    scheduler.after(lastsMs, () => {
      lift();
      struck.endedMs = scheduler.nowMs;
      truth.note(`over: ${kind}`);
    });
  }

  #touch(atMs: number): void {
    this.#lastChangeMs = Math.max(this.#lastChangeMs, atMs);
  }

  #hold(process: Process, how: "down" | "frozen"): () => void {
    const held = this.#holds.get(process) ?? { down: 0, frozen: 0 };
    this.#holds.set(process, held);
    held[how] += 1;
    if (how === "down" && held.down === 1) this.#end(process);
    if (how === "frozen") process.freeze();
    return () => {
      held[how] -= 1;
      if (how === "down" && held.down === 0) this.#begin(process);
      if (how === "frozen" && held.frozen === 0) process.thaw();
    };
  }

  #end(process: Process): void {
    this.#world.heldDown.add(process);
    const site = this.#world.sites.find((one) => one.database.process === process);
    const controller = this.#parts.controllers.find((one) => one.process === process);
    if (site !== undefined) site.database.crash();
    else if (controller !== undefined) controller.crash();
    else process.crash();
  }

  #begin(process: Process): void {
    this.#world.heldDown.delete(process);
    if (process.up) return;
    const controller = this.#parts.controllers.find((one) => one.process === process);
    if (controller !== undefined) {
      controller.boot();
      return;
    }
    process.start();
    const site = this.#world.sites.find((one) => one.agent === process);
    if (site === undefined) return;
    startAgent(this.#world, site);
    this.#parts.probes.startVantage(site.id, site.agent);
  }
}
