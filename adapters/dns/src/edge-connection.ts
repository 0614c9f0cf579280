/** One client connection carried to one upstream, and what is known about its traffic. */
import { connect, type Socket } from "node:net";
import type { Clock } from "@cloudphoenix/engine";

/** Facts a decision about the connection needs. All times on the clock of the edge. */
export interface ConnectionFacts {
  readonly address: string;
  readonly openedAtMs: number;
  readonly lastBytesAtMs: number;
  /** The last bytes came from the upstream (or none came at all): no answer is owed. */
  readonly quiet: boolean;
}

export interface EdgeLimits {
  /** Older connections are closed at the next quiet moment, so that no client stays for ever. */
  readonly ageMaxMs: number;
  /** No bytes for this long, and no answer owed, is a quiet moment. */
  readonly quietMs: number;
  /** A connection that should go is closed after this long even if it is never quiet. */
  readonly drainMs: number;
}

/** Whether the connection has to go now. `movedAtMs`: since when the name points elsewhere. */
export function mustClose(
  facts: ConnectionFacts,
  limits: EdgeLimits,
  now: { readonly nowMs: number; readonly movedAtMs: number | null },
): boolean {
  const agedAtMs = facts.openedAtMs + limits.ageMaxMs;
  const leaveAtMs = Math.min(agedAtMs, now.movedAtMs ?? Number.POSITIVE_INFINITY);
  if (now.nowMs < leaveAtMs) return false;
  if (now.nowMs >= leaveAtMs + limits.drainMs) return true;
  return facts.quiet && now.nowMs - facts.lastBytesAtMs >= limits.quietMs;
}

/** Pipes both ways until either side ends; a failure on one side ends the other. */
export class EdgeConnection {
  readonly #client: Socket;
  readonly #upstream: Socket;
  #facts: ConnectionFacts;

  constructor(
    client: Socket,
    target: { readonly address: string; readonly port: number; readonly connectTimeoutMs: number },
    clock: Clock,
  ) {
    const nowMs = clock.now();
    this.#facts = { address: target.address, openedAtMs: nowMs, lastBytesAtMs: nowMs, quiet: true };
    this.#client = client;
    this.#upstream = connect({ host: target.address, port: target.port, allowHalfOpen: true });
    this.#upstream.setNoDelay(true);
    this.#upstream.setTimeout(target.connectTimeoutMs, () => this.close());
    this.#upstream.once("connect", () => this.#upstream.setTimeout(0));
    this.#carry(client, this.#upstream, { clock, fromUpstream: false });
    this.#carry(this.#upstream, client, { clock, fromUpstream: true });
  }

  get facts(): ConnectionFacts {
    return this.#facts;
  }

  /** Ends both sides at once. Idempotent. */
  close(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  #carry(
    from: Socket,
    to: Socket,
    { clock, fromUpstream }: { readonly clock: Clock; readonly fromUpstream: boolean },
  ): void {
    from.on("data", () => {
      this.#facts = { ...this.#facts, lastBytesAtMs: clock.now(), quiet: fromUpstream };
    });
    from.pipe(to);
    from.on("error", () => this.close());
    // After a clean end `pipe` has ended the other side; a close without one must not leave it open.
    from.on("close", () => {
      if (!from.readableEnded) this.close();
    });
  }
}
