/** A hashed timer wheel: many timers, one wake-up, constant cost per timer. Knows no clock. */

/** Time between two slots. Timers fire up to this much late, never early. */
const TICK_MS = 10;
/** One turn takes 10.24 s; a timer further away than that waits in its slot for more turns. */
const SLOTS = 1024;

interface Timer<T> {
  readonly item: T;
  readonly dueTick: number;
  readonly dueMs: number;
}

/** Timers at instants of wheel time, in milliseconds from 0. */
export class TimerWheel<T> {
  readonly #slots: Timer<T>[][] = Array.from({ length: SLOTS }, () => []);
  #tick = 0;

  /** Fires `item` at `dueMs`, or at the next tick if that has passed. */
  schedule(item: T, dueMs: number): void {
    const dueTick = Math.max(this.#tick + 1, Math.ceil(dueMs / TICK_MS));
    this.#slots[dueTick % SLOTS]?.push({ item, dueTick, dueMs });
  }

  /** Visits everything due up to `nowMs`, tick by tick. A visit may schedule again. */
  advance(nowMs: number, visit: (item: T, dueMs: number) => void): void {
    const untilTick = Math.floor(nowMs / TICK_MS);
    while (this.#tick < untilTick) {
      this.#tick += 1;
      const index = this.#tick % SLOTS;
      const timers = this.#slots[index] ?? [];
      if (timers.length === 0) continue;
      this.#slots[index] = timers.filter((timer) => timer.dueTick > this.#tick);
      for (const timer of timers) {
        if (timer.dueTick <= this.#tick) visit(timer.item, timer.dueMs);
      }
    }
  }

  /** Wheel time of the next slot that holds anything, at most `ticksMax` ticks ahead. */
  nextMs(ticksMax: number): number {
    for (let ahead = 1; ahead < ticksMax; ahead += 1) {
      const slot = this.#slots[(this.#tick + ahead) % SLOTS];
      if (slot !== undefined && slot.length > 0) return (this.#tick + ahead) * TICK_MS;
    }
    return (this.#tick + ticksMax) * TICK_MS;
  }
}
