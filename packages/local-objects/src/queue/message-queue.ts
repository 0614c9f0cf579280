/**
 * One queue with the promises of a standard SQS queue: what was sent is received at least once; a
 * received message is hidden for a while and comes back unless it is deleted.
 */
import { createHash, randomUUID } from "node:crypto";

/** What the queue does to messages on their way in, as shares from 0 to 1. */
export interface QueueFaults {
  /** Sent twice. */
  readonly duplicateShare: number;
  /** Never arrives. */
  readonly lossShare: number;
  /** Up to this many messages are held back and let go in any order. */
  readonly reorderWindow: number;
}

const NO_QUEUE_FAULTS: QueueFaults = { duplicateShare: 0, lossShare: 0, reorderWindow: 0 };

export interface QueueMessage {
  readonly id: string;
  readonly body: string;
  readonly md5: string;
  readonly sentMs: number;
  visibleMs: number;
  receiveCount: number;
  firstReceivedMs: number;
}

export interface ReceiveRequest {
  readonly max: number;
  readonly visibilityMs: number;
  /** How long to wait for the first message. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

export interface QueueCounts {
  readonly visible: number;
  readonly hidden: number;
}

export interface QueueSources {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** Older messages go when there are more: a queue nobody reads must not take all memory. */
const MESSAGES_MAX = 1_000_000;

export class MessageQueue {
  readonly name: string;
  readonly #sources: QueueSources;
  /** In the order sent. */
  readonly #messages = new Map<string, QueueMessage>();
  readonly #wakers = new Set<() => void>();
  #held: string[] = [];
  #faults: QueueFaults = NO_QUEUE_FAULTS;

  constructor(name: string, sources: QueueSources) {
    this.name = name;
    this.#sources = sources;
  }

  /** Takes effect for messages sent from now on. */
  setFaults(faults: QueueFaults): void {
    this.#faults = faults;
    if (faults.reorderWindow === 0) this.#letGo(0);
  }

  /** Returns the message's id, also if a fault loses it. */
  send(body: string): string {
    const { random } = this.#sources;
    if (random() < this.#faults.lossShare) return randomUUID();
    const copies = random() < this.#faults.duplicateShare ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) this.#held.push(body);
    const last = this.#letGo(this.#faults.reorderWindow);
    return last ?? randomUUID();
  }

  /** Enqueues held bodies in any order until at most `keep` are left. */
  #letGo(keep: number): string | null {
    let id: string | null = null;
    while (this.#held.length > keep) {
      const at = keep === 0 ? 0 : Math.floor(this.#sources.random() * this.#held.length);
      for (const body of this.#held.splice(at, 1)) id = this.#enqueue(body);
    }
    return id;
  }

  #enqueue(body: string): string {
    const now = this.#sources.now();
    const id = randomUUID();
    const md5 = createHash("md5").update(body).digest("hex");
    const counts = { receiveCount: 0, firstReceivedMs: 0 };
    this.#messages.set(id, { id, body, md5, sentMs: now, visibleMs: now, ...counts });
    if (this.#messages.size > MESSAGES_MAX) {
      for (const oldest of this.#messages.keys()) {
        this.#messages.delete(oldest);
        break;
      }
    }
    this.#wake();
    return id;
  }

  /** Hides and returns up to `max` messages; none if the wait is over or its signal aborts. */
  async receive(request: ReceiveRequest): Promise<readonly QueueMessage[]> {
    const deadline = this.#sources.now() + request.waitMs;
    for (;;) {
      const messages = this.#take(request);
      const leftMs = deadline - this.#sources.now();
      if (messages.length > 0 || leftMs <= 0 || request.signal.aborted) return messages;
      await this.#change(Math.min(leftMs, this.#nextVisibleMs()), request.signal);
    }
  }

  #take({ max, visibilityMs }: ReceiveRequest): readonly QueueMessage[] {
    const now = this.#sources.now();
    const taken: QueueMessage[] = [];
    for (const message of this.#messages.values()) {
      if (taken.length === max) break;
      if (message.visibleMs > now) continue;
      message.visibleMs = now + visibilityMs;
      message.receiveCount += 1;
      if (message.receiveCount === 1) message.firstReceivedMs = now;
      taken.push({ ...message });
    }
    if (taken.length > 0 || this.#held.length === 0) return taken;
    // Held back is not lost: nobody waits for what never comes.
    this.#letGo(this.#held.length - 1);
    return this.#take({ max, visibilityMs, waitMs: 0, signal: AbortSignal.abort() });
  }

  /** Whether the handle was the message's newest. */
  delete(receiptHandle: string): boolean {
    const message = this.#byHandle(receiptHandle);
    return message !== null && this.#messages.delete(message.id);
  }

  /** Whether the handle was the message's newest. */
  changeVisibility(receiptHandle: string, visibilityMs: number): boolean {
    const message = this.#byHandle(receiptHandle);
    if (message === null) return false;
    message.visibleMs = this.#sources.now() + visibilityMs;
    this.#wake();
    return true;
  }

  purge(): void {
    this.#messages.clear();
    this.#held = [];
  }

  counts(): QueueCounts {
    const now = this.#sources.now();
    let hidden = 0;
    for (const { visibleMs } of this.#messages.values()) if (visibleMs > now) hidden += 1;
    return { visible: this.#messages.size - hidden + this.#held.length, hidden };
  }

  #byHandle(receiptHandle: string): QueueMessage | null {
    const [id = "", count] = Buffer.from(receiptHandle, "base64url").toString().split("#");
    const message = this.#messages.get(id);
    return message?.receiveCount === Number(count) ? message : null;
  }

  #nextVisibleMs(): number {
    const now = this.#sources.now();
    let next = Infinity;
    for (const { visibleMs } of this.#messages.values()) next = Math.min(next, visibleMs - now);
    return Math.max(next, 1);
  }

  #wake(): void {
    for (const waker of this.#wakers) waker();
  }

  /** Resolves when something may have become visible, at the latest after `limitMs`. */
  async #change(limitMs: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, limitMs);
      const wakers = this.#wakers;
      function done(): void {
        clearTimeout(timer);
        wakers.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      }
      wakers.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/** What the receiver shows to delete what it received; only the newest one counts. */
export function receiptHandleOf({ id, receiveCount }: QueueMessage): string {
  return Buffer.from(`${id}#${receiveCount}`).toString("base64url");
}
