/**
 * The traffic switch on any server that takes RFC 2136 updates signed with TSIG.
 *
 * Two records change together: the A record clients resolve, and a TXT record beside it that holds
 * the generation. Invariants:
 * 1. Every update carries both RRsets as they were read as prerequisites, so the server refuses it
 *    if anything changed in between: a stale controller can never move the record back.
 * 2. A recorded generation never becomes smaller.
 * 3. No answer is believed that the key did not sign.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import type {
  Clock,
  Random,
  TrafficCapabilities,
  TrafficState,
  TrafficSwitch,
} from "@cloudphoenix/engine";
import { DnsClient, type DnsReply } from "./dns-client.ts";
import type { DnsServerAddress } from "./exchange.ts";
import { type GenerationMarker, markerName, readMarker, writeMarker } from "./generation-marker.ts";
import { RCODE } from "./rcode.ts";
import type { RecordType, ZoneRecord } from "./record-data.ts";
import { refusal } from "./traffic-refusal.ts";
import type { TsigKey } from "./tsig.ts";
import type { Prerequisite, UpdateRequest } from "./update-message.ts";
import { canonicalName, TYPE } from "./wire.ts";

/** How often the pair of records is read again because a change fell between the two questions. */
const READS_MAX = 3;
/** How often a change is tried while older generations keep getting in between. */
const ATTEMPTS_MAX = 3;

export interface Rfc2136Options {
  readonly server: DnsServerAddress;
  readonly zone: string;
  /** The name clients resolve; its A record is what is switched. */
  readonly name: string;
  readonly ttlMs: number;
  readonly key: TsigKey;
  /** Where each site's entry is: site → IPv4 address. */
  readonly addresses: Readonly<Record<SiteId, string>>;
  readonly clock: Clock;
  readonly random: Random;
  /** @default "tcp", whose answers cannot be forged from off the path */
  readonly transport?: "udp" | "tcp";
  /** Limit of one question or update. @default 2000 */
  readonly timeoutMs?: number;
  /** How long secondaries may lag behind. @default 0 */
  readonly propagationMs?: number;
}

/** The two RRsets as the server holds them. */
interface Records {
  readonly addresses: readonly ZoneRecord[];
  readonly markers: readonly ZoneRecord[];
  readonly marker: GenerationMarker | null;
}

/** Implements the port by compare-and-swap on the authoritative server. */
export class Rfc2136TrafficSwitch implements TrafficSwitch {
  readonly capabilities: TrafficCapabilities;
  readonly #client: DnsClient;
  readonly #options: Rfc2136Options;
  readonly #name: string;
  readonly #ttlS: number;

  constructor(options: Rfc2136Options) {
    this.#options = options;
    this.#name = canonicalName(options.name);
    this.#ttlS = Math.max(1, Math.round(options.ttlMs / 1000));
    this.capabilities = { compareAndSwap: true, propagationMs: options.propagationMs ?? 0 };
    const { server, key, clock, random } = options;
    const { transport = "tcp", timeoutMs = 2000 } = options;
    this.#client = new DnsClient({
      server,
      key,
      clock,
      random,
      transport,
      timeoutMs,
      recurse: false,
    });
  }

  async read(signal: AbortSignal): Promise<TrafficState> {
    return this.#state(await this.#records(signal));
  }

  async switchTo(site: SiteId, generation: number, signal: AbortSignal): Promise<TrafficState> {
    const address = this.#addressOf(site);
    const wanted = { generation, site };
    let records = await this.#current(generation, signal);
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      if (this.#isDone(records, address, wanted)) return this.#state(records);
      // Somebody else acts for the same generation. That must not happen; do not fight over it.
      if (attempt > 0 && records.marker?.generation === generation) break;
      const reply = await this.#client.update(this.#update(records, address, wanted), signal);
      if (!isPrerequisiteFailure(reply)) this.#expect(reply, [RCODE.NOERROR]);
      // Read either way: "switched" means seen at the server, and a lost race is judged by who won.
      records = await this.#current(generation, signal);
    }
    if (this.#isDone(records, address, wanted)) return this.#state(records);
    throw new CloudPhoenixError(
      "CONFLICT",
      `${this.#name} was changed by somebody else meanwhile`,
      {
        retryable: true,
        hint: "Find out who else changes this DNS record; only one controller may.",
      },
    );
  }

  /** The records as they are now. @throws {CloudPhoenixError} `STALE_GENERATION` */
  async #current(generation: number, signal: AbortSignal): Promise<Records> {
    const records = await this.#records(signal);
    const recorded = records.marker?.generation ?? 0;
    if (recorded <= generation) return records;
    const text = `${this.#name} was switched for generation ${recorded}, this is generation ${generation}`;
    throw new CloudPhoenixError("STALE_GENERATION", text, {
      retryable: false,
      hint: "Leave it: a newer run has taken over. Look at `cloudphoenix runs`.",
    });
  }

  /** Both RRsets, read until they fit together: they are two questions, and may straddle a change. */
  async #records(signal: AbortSignal): Promise<Records> {
    for (let attempt = 1; ; attempt += 1) {
      const addresses = await this.#query(this.#name, "A", signal);
      const markers = await this.#query(markerName(this.#name), "TXT", signal);
      const marker = readMarker(
        this.#name,
        markers.map((record) => record.data),
      );
      const records = { addresses, markers, marker };
      if (marker === null || this.#siteOf(addresses) === marker.site || attempt === READS_MAX) {
        return records;
      }
    }
  }

  async #query(
    name: string,
    type: RecordType,
    signal: AbortSignal,
  ): Promise<readonly ZoneRecord[]> {
    const reply = await this.#client.query(name, type, signal);
    this.#expect(reply, [RCODE.NOERROR, RCODE.NXDOMAIN]);
    return reply.answers.filter((record) => record.name === name && record.type === type);
  }

  #expect(reply: DnsReply, accepted: readonly number[]): void {
    if (reply.authentic && accepted.includes(reply.rcode)) return;
    throw refusal(reply, this.#options);
  }

  /** Prerequisites: both RRsets are exactly as they were read (RFC 2136 sections 2.4.2 and 2.4.3). */
  #unchanged(records: Records): readonly Prerequisite[] {
    return [
      ...unchangedSet(this.#name, "A", records.addresses),
      ...unchangedSet(markerName(this.#name), "TXT", records.markers),
    ];
  }

  #update(before: Records, address: string, marker: GenerationMarker): UpdateRequest {
    const beside = markerName(this.#name);
    const ttlS = this.#ttlS;
    return {
      zone: canonicalName(this.#options.zone),
      prerequisites: this.#unchanged(before),
      changes: [
        { kind: "delete-set", name: this.#name, type: TYPE.A },
        { kind: "add", record: { name: this.#name, type: "A", ttlS, data: address } },
        { kind: "delete-set", name: beside, type: TYPE.TXT },
        { kind: "add", record: { name: beside, type: "TXT", ttlS, data: writeMarker(marker) } },
      ],
    };
  }

  #isDone(records: Records, address: string, wanted: GenerationMarker): boolean {
    const [only, ...others] = records.addresses;
    return (
      others.length === 0 &&
      only?.data === address &&
      only.ttlS === this.#ttlS &&
      records.marker?.generation === wanted.generation &&
      records.marker.site === wanted.site
    );
  }

  #state(records: Records): TrafficState {
    const ttlS = records.addresses[0]?.ttlS ?? this.#ttlS;
    const addresses = records.addresses.map((record) => record.data).join(", ");
    return {
      site: this.#siteOf(records.addresses),
      generation: records.marker?.generation ?? 0,
      ttlMs: ttlS * 1000,
      answer: addresses === "" ? `${this.#name} has no address` : `${this.#name} A ${addresses}`,
    };
  }

  #siteOf(addresses: readonly ZoneRecord[]): SiteId | null {
    const [only, ...others] = addresses;
    if (only === undefined || others.length > 0) return null;
    const known = Object.entries(this.#options.addresses);
    return known.find(([, address]) => address === only.data)?.[0] ?? null;
  }

  #addressOf(site: SiteId): string {
    const address = this.#options.addresses[site];
    if (address !== undefined) return address;
    throw new CloudPhoenixError("BAD_REQUEST", `no address is configured for site ${site}`, {
      retryable: false,
      hint: "Give the site an entry.address in the configuration.",
    });
  }
}

function unchangedSet(
  name: string,
  type: RecordType,
  set: readonly ZoneRecord[],
): readonly Prerequisite[] {
  if (set.length === 0) return [{ kind: "set-absent", name, type: TYPE[type] }];
  return set.map(({ data }) => ({ kind: "set-holds", name, type, data }));
}

function isPrerequisiteFailure(reply: DnsReply): boolean {
  const codes: readonly number[] = [RCODE.NXRRSET, RCODE.YXRRSET];
  return reply.authentic && codes.includes(reply.rcode);
}
