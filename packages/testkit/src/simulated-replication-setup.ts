/** The port `ReplicationSetup` over two lists of tables, for tests of whoever uses it. */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import type {
  Clock,
  ReplicationSetup,
  SetupForecast,
  SetupPair,
  SetupProblem,
  SetupRequest,
  SetupResult,
} from "@cloudphoenix/engine";

/** How long one table takes to copy. */
const COPY_MS = 1_000;

export class SimulatedReplicationSetup implements ReplicationSetup {
  /** Tables of the application; both sites have them. */
  readonly tables: Set<string> = new Set(["orders", "items"]);
  /** Tables that cannot be replicated. */
  readonly unfit: Set<string> = new Set();
  /** Thrown by every set-up until it is null again. */
  failure: Error | null = null;
  /** How often setting up was begun. */
  begun = 0;
  readonly #clock: Clock;
  readonly #copied = new Map<SiteId, Set<string>>();
  #pair: Pick<SetupPair, "from" | "to"> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async forecast(pair: SetupPair, signal: AbortSignal): Promise<SetupForecast> {
    refuseAborted(signal);
    const missing = this.#missing(pair.to);
    return {
      problems: [...this.#turned(pair), ...this.#unfit(pair)],
      changes: missing.map((table) => `at ${pair.to}, subscribe to and copy ${table}`),
      bytesToCopy: missing.length * 8_192,
    };
  }

  async setup(request: SetupRequest, signal: AbortSignal): Promise<SetupResult> {
    this.begun += 1;
    refuseAborted(signal);
    if (this.failure !== null) throw this.failure;
    this.#refuse(request);
    const missing = this.#missing(request.to);
    const schemaCopied = this.#pair === null;
    this.#pair = { from: request.from, to: request.to };
    for (const table of missing) {
      this.#tell(request);
      await this.#clock.sleep(COPY_MS, signal);
      this.#copied.set(request.to, new Set([...this.#copiedAt(request.to), table]));
    }
    this.#tell(request);
    return { alreadyDone: missing.length === 0, schemaCopied, tables: this.tables.size };
  }

  #refuse(pair: SetupPair): void {
    const turned = this.#turned(pair);
    const problems = turned.length > 0 ? turned : this.#unfit(pair);
    if (problems.length === 0) return;
    throw new CloudPhoenixError(
      turned.length > 0 ? "CONFLICT" : "REPLICATION_PREFLIGHT",
      problems.map(({ sentence }) => sentence).join("; "),
      { retryable: false, hint: "Correct it, then set up again." },
    );
  }

  #tell({ to, onProgress }: SetupRequest): void {
    const copying = this.#missing(to);
    const tables = this.tables.size;
    onProgress?.({ tables, tablesReady: tables - copying.length, copying, bytesCopying: 0 });
  }

  #turned({ from, to }: SetupPair): readonly SetupProblem[] {
    if (this.#pair === null || this.#pair.from === from) return [];
    const sentence = `site ${from} is standby, not active`;
    return [{ rule: "wrong-role", site: to, object: "site", sentence }];
  }

  #unfit({ from }: SetupPair): readonly SetupProblem[] {
    return [...this.unfit].map((object) => {
      const sentence = `table ${object} has no primary key or other replica identity`;
      return { rule: "replica-identity", site: from, object, sentence };
    });
  }

  #missing(site: SiteId): readonly string[] {
    const copied = this.#copiedAt(site);
    return [...this.tables].filter((table) => !copied.has(table));
  }

  #copiedAt(site: SiteId): ReadonlySet<string> {
    return this.#copied.get(site) ?? new Set();
  }
}

function refuseAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new CloudPhoenixError("ABORTED", "given up before it began", { retryable: true });
}
