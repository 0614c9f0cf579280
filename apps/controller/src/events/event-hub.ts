/**
 * Server-sent events with replay.
 *
 * 1. Ids are `<boot>-<n>`: an id of another process is recognised and never replayed from.
 * 2. Memory is bounded: a ring of the newest events, a limited number of clients, and a client
 *    that does not read is cut off (its `Last-Event-ID` brings it back without loss).
 * 3. A client first gets a full snapshot, then what it missed, then what happens.
 */

export type EventName =
  | "snapshot"
  | "decision"
  | "run"
  | "run-event"
  | "observation-summary"
  | "quarantine";

export interface EventHubOptions {
  /** Distinguishes this process from earlier ones; letters and digits. */
  readonly boot: string;
  /** Events kept for replay, in all at most 2 MiB of them. */
  readonly ringSize?: number;
  readonly clientsMax?: number;
  /** Bytes that may wait in a client's connection before it is cut off. */
  readonly backlogMaxBytes?: number;
}

/** The part of an HTTP response the hub writes to. */
export interface EventSink {
  /** Bytes written but not yet taken by the other side. */
  readonly writableLength: number;
  readonly destroyed: boolean;
  write(text: string): unknown;
  end(): unknown;
  destroy(): unknown;
  on(event: "close" | "error", listener: () => void): unknown;
}

const RING_MAX_BYTES = 2_097_152;

export class EventHub {
  readonly #boot: string;
  readonly #ringSize: number;
  readonly #clientsMax: number;
  readonly #backlogMaxBytes: number;
  readonly #ring: { readonly id: number; readonly text: string }[] = [];
  readonly #clients = new Set<EventSink>();
  #ringBytes = 0;
  #lastId = 0;

  constructor(options: EventHubOptions) {
    this.#boot = options.boot;
    this.#ringSize = options.ringSize ?? 1000;
    this.#clientsMax = options.clientsMax ?? 64;
    this.#backlogMaxBytes = options.backlogMaxBytes ?? 2 * RING_MAX_BYTES;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Whether another client may come. */
  get hasRoom(): boolean {
    return this.#clients.size < this.#clientsMax;
  }

  /** Sends an event to every client and keeps it for replay. */
  publish(event: Exclude<EventName, "snapshot">, data: unknown): void {
    this.#lastId += 1;
    const text = this.#render(event, data, this.#lastId);
    this.#ring.push({ id: this.#lastId, text });
    this.#ringBytes += text.length;
    while (this.#ring.length > this.#ringSize || this.#ringBytes > RING_MAX_BYTES) {
      this.#ringBytes -= this.#ring.shift()?.text.length ?? 0;
    }
    for (const client of this.#clients) this.#send(client, text);
  }

  /** Adds a client: snapshot, then what came after `lastEventId` if it is still known. */
  attach(client: EventSink, snapshot: unknown, lastEventId: string | undefined): void {
    const missed = this.#missedSince(lastEventId);
    // The snapshot carries the id before the first missed event, so that a client cut off in the
    // middle of the replay asks for the rest again.
    const snapshotId = (missed[0]?.id ?? this.#lastId + 1) - 1;
    this.#clients.add(client);
    client.on("close", () => this.#clients.delete(client));
    client.on("error", () => this.#clients.delete(client));
    this.#send(client, this.#render("snapshot", snapshot, snapshotId));
    for (const { text } of missed) this.#send(client, text);
  }

  /** Keeps connections open through proxies, and finds the ones that are gone. */
  beat(): void {
    for (const client of this.#clients) this.#send(client, ": beat\n\n");
  }

  /** Ends every connection. */
  close(): void {
    for (const client of this.#clients) client.end();
    this.#clients.clear();
  }

  #missedSince(
    lastEventId: string | undefined,
  ): readonly { readonly id: number; readonly text: string }[] {
    const match = /^([a-z0-9]+)-(\d+)$/i.exec(lastEventId ?? "");
    if (match === null || match[1] !== this.#boot) return [];
    const last = Number(match[2]);
    const oldest = this.#ring[0]?.id ?? this.#lastId + 1;
    // A gap that has left the ring cannot be replayed; the snapshot stands in for it.
    if (last + 1 < oldest || last > this.#lastId) return [];
    return this.#ring.filter(({ id }) => id > last);
  }

  #render(event: EventName, data: unknown, id: number): string {
    return `event: ${event}\nid: ${this.#boot}-${id}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #send(client: EventSink, text: string): void {
    if (client.destroyed) {
      this.#clients.delete(client);
      return;
    }
    if (client.writableLength > this.#backlogMaxBytes) {
      this.#clients.delete(client);
      client.destroy();
      return;
    }
    client.write(text);
  }
}
