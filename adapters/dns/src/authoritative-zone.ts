/** One zone: what it answers, and how it changes. No sockets, no clock. */
import { RCODE, type Rcode } from "./rcode.ts";
import { type RecordType, recordTypeOf, type ZoneRecord } from "./record-data.ts";
import { RecordTable } from "./record-table.ts";
import type { UpdateRequest } from "./update-message.ts";
import { canonicalName, TYPE } from "./wire.ts";
import { applyUpdate, isInZone } from "./zone-update.ts";

/** An alias chain longer than this is a loop in all but name. */
const ALIASES_MAX = 8;

/** Everything that must survive a restart of the server. */
export interface ZoneSnapshot {
  readonly serial: number;
  readonly records: readonly ZoneRecord[];
}

export interface ZoneOptions {
  readonly name: string;
  /** Host name of the primary server, for SOA and NS. */
  readonly nameServer: string;
  readonly records: readonly ZoneRecord[];
  /** @default 1 */
  readonly serial?: number;
  /** How long resolvers may remember that a name does not exist. @default 1 */
  readonly negativeTtlS?: number;
  /**
   * Called with the changed zone before an update takes effect, so that what was acknowledged is
   * also stored. If it throws, the zone stays as it was.
   */
  readonly store?: (snapshot: ZoneSnapshot) => void;
}

/** The fields of the SOA record. */
export interface StartOfAuthority {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

/** What to say to a question. The SOA goes into the authority section when there is no data. */
export interface ZoneAnswer {
  readonly rcode: Rcode;
  readonly records: readonly ZoneRecord[];
  /** The question asked for the SOA itself. */
  readonly includesSoa: boolean;
}

/** A zone of A, CNAME, NS and TXT records. Names compare without case. */
export class AuthoritativeZone {
  readonly name: string;
  readonly #options: ZoneOptions;
  #table: RecordTable;
  #serial: number;

  /** @throws {RangeError} for a record outside the zone or one that cannot be written */
  constructor(options: ZoneOptions) {
    this.name = canonicalName(options.name);
    this.#options = options;
    this.#serial = options.serial ?? 1;
    for (const record of options.records) {
      if (!this.contains(record.name)) {
        throw new RangeError(`${record.name} is not in zone ${this.name}`);
      }
    }
    this.#table = new RecordTable(options.records);
    if (this.#table.set(this.name, "NS") === null) {
      const data = canonicalName(options.nameServer);
      this.#table.add({ name: this.name, type: "NS", ttlS: 3600, data });
    }
  }

  contains(name: string): boolean {
    return isInZone(canonicalName(name), this.name);
  }

  snapshot(): ZoneSnapshot {
    return { serial: this.#serial, records: this.#table.records() };
  }

  soa(): StartOfAuthority {
    return {
      mname: canonicalName(this.#options.nameServer),
      rname: `hostmaster.${this.name}`,
      serial: this.#serial,
      refresh: 60,
      retry: 10,
      expire: 86_400,
      minimum: this.#options.negativeTtlS ?? 1,
    };
  }

  /** Answers a question about a name in the zone, following aliases inside it. */
  answer(name: string, type: number): ZoneAnswer {
    const records: ZoneRecord[] = [];
    let current = canonicalName(name);
    for (let hops = 0; hops <= ALIASES_MAX; hops += 1) {
      records.push(...this.#matching(current, type));
      const alias = this.#table.set(current, "CNAME");
      const [target] = alias?.data ?? [];
      if (target === undefined || type === TYPE.CNAME || type === TYPE.ANY) break;
      records.push({ name: current, type: "CNAME", ttlS: alias?.ttlS ?? 0, data: target });
      current = target;
      if (!this.contains(current)) break;
    }
    const includesSoa = current === this.name && (type === TYPE.SOA || type === TYPE.ANY);
    const known = current === this.name || !this.contains(current) || this.#table.exists(current);
    return { rcode: known ? RCODE.NOERROR : RCODE.NXDOMAIN, records, includesSoa };
  }

  /**
   * Applies an update as a whole or not at all; the serial grows if anything changed.
   * @throws what `store` throws, with the zone unchanged
   */
  update(request: UpdateRequest): Rcode {
    const { rcode, table } = applyUpdate(this.#table, request);
    if (rcode !== RCODE.NOERROR) return rcode;
    const records = table.records();
    if (JSON.stringify(records) === JSON.stringify(this.#table.records())) return RCODE.NOERROR;
    // Serial numbers wrap and skip 0, which some secondaries read as "none" (RFC 1982).
    const serial = (this.#serial + 1) >>> 0 || 1;
    this.#options.store?.({ serial, records });
    this.#table = table;
    this.#serial = serial;
    return RCODE.NOERROR;
  }

  #matching(name: string, type: number): readonly ZoneRecord[] {
    const one = recordTypeOf(type);
    const types: readonly RecordType[] =
      type === TYPE.ANY ? ["A", "CNAME", "NS", "TXT"] : one === null ? [] : [one];
    return types.flatMap((each) => {
      const set = this.#table.set(name, each);
      return (set?.data ?? []).map((data) => ({ name, type: each, ttlS: set?.ttlS ?? 0, data }));
    });
  }
}
