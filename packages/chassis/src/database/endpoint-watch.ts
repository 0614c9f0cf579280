/**
 * Notices that a database name leads elsewhere.
 *
 * After a failover of a managed database its name points to another address while connections to
 * the old server may stay open for hours. New connections always resolve anew; this finds out that
 * the old ones have to go.
 */
import { lookup } from "node:dns/promises";
import { isIP, Socket, type LookupFunction } from "node:net";

/** Resolves a host name to its addresses. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** Asks the system's resolver, like every new connection does. */
async function resolveBySystem(host: string): Promise<readonly string[]> {
  const answers = await lookup(host, { all: true });
  return answers.map((answer) => answer.address);
}

/** The managed databases of both clouds publish their names with a TTL of about five seconds. */
const LOOK_EVERY_MS = 5_000;

/** Watches one host name for as long as it is not closed. */
export class EndpointWatch {
  readonly #host: string;
  readonly #resolve: Resolve;
  readonly #onMoved: (addresses: readonly string[]) => void;
  readonly #inUse = new Set<string>();
  readonly #timer: NodeJS.Timeout | null;
  #looking: Promise<void> | null = null;

  /** @param onMoved - called when connections lead to an address the name does not have any more */
  constructor(
    host: string,
    onMoved: (addresses: readonly string[]) => void,
    options: { readonly resolve?: Resolve | undefined; readonly everyMs?: number | undefined } = {},
  ) {
    this.#host = host;
    this.#resolve = options.resolve ?? resolveBySystem;
    this.#onMoved = onMoved;
    this.#timer = isIP(host) === 0 ? this.#everyMs(options.everyMs ?? LOOK_EVERY_MS) : null;
  }

  /** Looks now, for instance because a connection broke. Looks do not pile up; never throws. */
  look(): Promise<void> {
    if (isIP(this.#host) !== 0) return Promise.resolve();
    this.#looking ??= this.#compare().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** A socket for the driver that connects where the name leads at that moment. */
  socket(): Socket {
    const socket = new ResolvingSocket(this.#resolve);
    socket.once("connect", () => {
      if (socket.remoteAddress !== undefined) this.#inUse.add(socket.remoteAddress);
    });
    return socket;
  }

  async #compare(): Promise<void> {
    // A resolver that fails says nothing about where the database is.
    const addresses = await this.#resolve(this.#host).catch(() => null);
    if (addresses === null || addresses.length === 0) return;
    const moved = [...this.#inUse].some((address) => !addresses.includes(address));
    if (!moved) return;
    this.#inUse.clear();
    this.#onMoved(addresses);
  }

  #everyMs(ms: number): NodeJS.Timeout {
    return setInterval(() => void this.look(), ms).unref();
  }
}

/** Resolves with the function it was given; tries the addresses in their order. */
class ResolvingSocket extends Socket {
  readonly #resolve: Resolve;

  constructor(resolve: Resolve) {
    super();
    this.#resolve = resolve;
  }

  /** The driver's one way of calling it. */
  override connect(...args: unknown[]): this {
    const [port, host] = args;
    return super.connect({
      port: Number(port),
      host: String(host),
      lookup: (name, options, answer) => void this.#lookup(name, options.all === true, answer),
    });
  }

  async #lookup(name: string, all: boolean, answer: LookupAnswer): Promise<void> {
    try {
      const found = (await this.#resolve(name)).map((address) => ({
        address,
        family: isIP(address),
      }));
      const [first] = found;
      if (first === undefined) throw new Error("the name has no address");
      if (all) answer(null, found);
      else answer(null, first.address, first.family);
    } catch (error) {
      answer(error instanceof Error ? error : new Error(String(error)), "");
    }
  }
}

type LookupAnswer = Parameters<LookupFunction>[2];
