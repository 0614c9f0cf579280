/** One connection over a link: two sockets and a lane each way. */
import { connect, type Socket } from "node:net";
import type { Direction } from "./impairment.ts";
import { Lane, type Wire } from "./lane.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionOptions {
  readonly client: Socket;
  readonly target: Endpoint;
  readonly wires: Readonly<Record<Direction, Wire>>;
  /** Asked for every chunk; true resets the connection. */
  readonly drops: () => boolean;
  readonly onGone: () => void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #lanes: Readonly<Record<Direction, Lane>>;
  #gone = false;

  constructor(options: ConnectionOptions) {
    const { client, target, wires } = options;
    this.#options = options;
    this.#client = client;
    this.#server = connect({ ...target, allowHalfOpen: true, noDelay: true });
    // A TCP handshake costs one round trip before the first byte may leave.
    const openAtMs =
      performance.now() + wires.forward.conduct.delayMs + wires.backward.conduct.delayMs;
    this.#lanes = {
      forward: new Lane(client, this.#server, wires.forward, openAtMs),
      backward: new Lane(this.#server, client, wires.backward, 0),
    };
    client.setNoDelay(true);
    this.#carry(client, this.#server, "forward");
    this.#carry(this.#server, client, "backward");
  }

  get bufferedBytes(): number {
    return this.#lanes.forward.bufferedBytes + this.#lanes.backward.bufferedBytes;
  }

  /** Whether bytes were swallowed, so that only a reset is honest once the link works again. */
  get broken(): boolean {
    return this.#lanes.forward.broken || this.#lanes.backward.broken;
  }

  /** Swallows what is in flight in `direction`. */
  cut(direction: Direction): void {
    this.#lanes[direction].cut();
  }

  /** Applies a change of the wires to what is in flight. */
  retime(): void {
    this.#lanes.forward.retime();
    this.#lanes.backward.retime();
  }

  /** Ends both sides with a reset. Idempotent. */
  reset(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#lanes.forward.stop();
    this.#lanes.backward.stop();
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
    this.#options.onGone();
  }

  #carry(from: Socket, to: Socket, direction: Direction): void {
    const lane = this.#lanes[direction];
    from.on("data", (data) => {
      if (this.#options.drops()) this.reset();
      else lane.accept(data);
    });
    from.on("end", () => lane.accept(null));
    // Only listened to because an unheard error ends the process; "close" follows and decides.
    from.on("error", () => {});
    from.on("close", (hadError) => this.#sideClosed(lane, to, hadError, direction));
  }

  #sideClosed(lane: Lane, to: Socket, hadError: boolean, direction: Direction): void {
    if (this.#gone) return;
    const { cut, delayMs } = this.#options.wires[direction].conduct;
    if (to.destroyed) {
      this.reset();
      return;
    }
    // Over a cut wire the other side must not learn of it: it waits until its own limits end it.
    if (cut || lane.broken) lane.accept(null);
    else if (hadError) setTimeout(() => this.#resetUnlessCut(lane, direction), delayMs);
  }

  #resetUnlessCut(lane: Lane, direction: Direction): void {
    if (this.#options.wires[direction].conduct.cut) lane.accept(null);
    else this.reset();
  }
}
