/**
 * The order of everything that happens in a simulated world.
 *
 * 1. Events fire in order of their instant; events of one instant in the order they were made.
 * 2. Between two events every promise callback that is ready runs to its end.
 * 3. Nothing here reads a real clock: the same events give the same order on every machine.
 */

/** Something that will happen; set `fire` to null to call it off. */
export interface ScheduledEvent {
  readonly atMs: number;
  readonly number: number;
  fire: (() => void) | null;
}

/** Far more than any seed needs: beyond it, something goes round in circles. */
const EVENTS_MAX = 400_000;

/** Immediates queued at a time: Node empties the microtask queue between any two of them. */
const BATCH = 256;

export class Scheduler {
  #nowMs = 0;
  #fired = 0;
  #numbers = 0;
  #hash = 0x811c9dc5;
  readonly #heap: ScheduledEvent[] = [];

  /** True time since the beginning of the world, milliseconds. No process can read it. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that have fired. */
  get fired(): number {
    return this.#fired;
  }

  /** Differs as soon as anything happened in another order or at another instant. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** Takes something that happened into the hash. */
  mark(text: string): void {
    for (let index = 0; index < text.length; index += 1) {
      this.#hash = Math.imul(this.#hash ^ text.charCodeAt(index), 0x01000193);
    }
  }

  after(delayMs: number, fire: () => void): ScheduledEvent {
    this.#numbers += 1;
    const event = { atMs: this.#nowMs + Math.max(0, delayMs), number: this.#numbers, fire };
    this.#push(event);
    return event;
  }

  /**
   * Lets events fire until `untilMs`, or until `stop` answers true after one.
   * @throws whatever an event throws
   */
  run(untilMs: number, stop: () => boolean = () => false): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let over = false;
    const end = (finish: () => void): void => {
      over = true;
      finish();
    };
    const next = (): void => {
      if (over) return;
      try {
        if (stop() || !this.#fireNext(untilMs)) end(resolve);
      } catch (error) {
        end(() => reject(error));
      }
    };
    const refill = (): void => {
      if (over) return;
      for (let queued = 0; queued < BATCH; queued += 1) setImmediate(next);
      setImmediate(refill);
    };
    refill();
    return promise;
  }

  #fireNext(untilMs: number): boolean {
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined || event.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return false;
      }
      this.#pop();
      const { fire } = event;
      if (fire === null) continue;
      this.#nowMs = event.atMs;
      this.#fired += 1;
      const micros = Math.floor(event.atMs * 1_000);
      this.#hash = Math.imul(this.#hash ^ micros ^ (event.number << 7), 0x01000193);
      event.fire = null;
      if (this.#fired > EVENTS_MAX) throw new Error(`still busy at ${this.#nowMs} ms`);
      fire();
      return true;
    }
  }

  #push(event: ScheduledEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !earlier(event, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      if (child === undefined) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && earlier(right, child)) {
        childIndex += 1;
        child = right;
      }
      if (!earlier(child, last)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
  }
}

function earlier(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number);
}
