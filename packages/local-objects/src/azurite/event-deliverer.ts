/**
 * Puts messages on a queue of Azurite's Queue service, one after the other, in the order they came.
 *
 * 1. Nobody waits for it, and nothing fails because a message was lost: events are hints.
 * 2. It holds few messages, and lets few wait at the queue. Azurite looks at every waiting message whenever one is
 *    taken or removed: with 4,000 of them, each removal costs 10 ms. Where nobody reads, as at a standby, what waits is
 *    dropped now and then; whoever begins to read is soon through with what is old.
 *    Until somebody took one of the few that are offered no more are put: telling nobody of hundreds of changes a
 *    second would cost as much as the changes.
 * 3. Messages that a reader took along when it ended count as waiting until their time is up, a minute later. They must
 *    not keep newer ones from the next reader, so they are dropped, too.
 */
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { sharedKeySignature } from "./shared-key.ts";

export interface DelivererOptions {
  /** With the account. */
  readonly queueEndpoint: string;
  readonly queue: string;
  readonly accountName: string;
  readonly accountKey: string;
}

/** Kept here while the queue is full or does not answer. */
const HELD_MAX = 128;
/** Waiting at the queue, taken or not. */
const WAITING_MAX = 256;
/** As long as nobody is seen to read. */
const OFFERED_MAX = 8;
/** So long it may be full before what waits is dropped: a reader that is only slow makes room sooner. */
const FULL_MAX_MS = 2_000;
const AGAIN_MS = 250;
const SILENCE_MS = 5_000;

interface QueueAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
}

export class EventDeliverer {
  readonly #options: DelivererOptions;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  readonly #held: string[] = [];
  /** How many more the queue takes before it is asked again how many wait. */
  #room = 0;
  #waitingMax = OFFERED_MAX;
  /** Put since all that waited was dropped. */
  #offered = 0;
  #fullSinceMs: number | null = null;
  #isBusy = false;
  #isOver = false;

  constructor(options: DelivererOptions) {
    this.#options = options;
  }

  /** Makes the queue if it is not there. @throws {Error} if it is refused */
  async open(): Promise<void> {
    const { status } = await this.#ask("PUT", "");
    if (status >= 300) throw new Error(`the queue ${this.#options.queue} is refused: ${status}`);
  }

  /** Takes a message's text, to be put on the queue soon. */
  send(text: string): void {
    this.#held.push(text);
    if (this.#held.length > HELD_MAX) this.#held.shift();
    if (!this.#isBusy) void this.#deliver();
  }

  /** What is held is lost. */
  close(): void {
    this.#isOver = true;
    this.#agent.destroy();
  }

  async #deliver(): Promise<void> {
    this.#isBusy = true;
    while (!this.#isOver && this.#held.length > 0) {
      if (!(await this.#deliverOne())) await sleep(AGAIN_MS, undefined, { ref: false });
    }
    this.#isBusy = false;
  }

  /** False if it has to wait. */
  async #deliverOne(): Promise<boolean> {
    try {
      if (this.#room <= 0) await this.#makeRoom();
      if (this.#room <= 0) return false;
      const text = this.#held.shift();
      if (text === undefined) return true;
      this.#room -= 1;
      this.#offered += 1;
      const body = `<QueueMessage><MessageText>${text}</MessageText></QueueMessage>`;
      const { status } = await this.#ask("POST", "/messages", { body });
      return status < 300;
    } catch {
      return false;
    }
  }

  async #makeRoom(): Promise<void> {
    const waiting = await this.#waiting();
    const isRead = this.#offered >= OFFERED_MAX && waiting < this.#waitingMax;
    if (isRead) this.#waitingMax = WAITING_MAX;
    this.#room = this.#waitingMax - waiting;
    const nowMs = performance.now();
    this.#fullSinceMs = this.#room > 0 ? null : (this.#fullSinceMs ?? nowMs);
    if (this.#fullSinceMs === null || nowMs - this.#fullSinceMs < FULL_MAX_MS) return;
    const { status } = await this.#ask("DELETE", "/messages");
    if (status >= 300) return;
    this.#fullSinceMs = null;
    this.#offered = 0;
    this.#waitingMax = OFFERED_MAX;
    this.#room = OFFERED_MAX;
  }

  async #waiting(): Promise<number> {
    const { status, headers } = await this.#ask("HEAD", "", { query: { comp: "metadata" } });
    const count = Number(headers["x-ms-approximate-messages-count"]);
    return status < 300 && Number.isFinite(count) ? count : WAITING_MAX;
  }

  #ask(
    method: string,
    below: string,
    { query = {}, body = "" }: { query?: Readonly<Record<string, string>>; body?: string } = {},
  ): Promise<QueueAnswer> {
    const { queueEndpoint, queue, accountName: name, accountKey: key } = this.#options;
    const { origin, pathname } = new URL(queueEndpoint);
    const path = `${pathname}/${queue}${below}`;
    const headers: Record<string, string> = {
      "content-length": String(Buffer.byteLength(body)),
      "x-ms-date": new Date().toUTCString(),
    };
    headers["authorization"] = sharedKeySignature({ method, path, query, headers }, { name, key });
    const search = new URLSearchParams(query).toString();
    const target = { method, path: search === "" ? path : `${path}?${search}`, headers };
    return new Promise((resolve, reject) => {
      const options = { ...target, agent: this.#agent, timeout: SILENCE_MS };
      const asked = http.request(origin, options, (answer) => {
        answer.once("error", reject).once("end", () => {
          resolve({ status: answer.statusCode ?? 500, headers: answer.headers });
        });
        answer.resume();
      });
      asked.once("timeout", () => asked.destroy(new Error("the queue does not answer")));
      asked.once("error", reject);
      asked.end(body);
    });
  }
}
