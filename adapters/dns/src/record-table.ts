/** The records of a zone as sets: all records of one name and type share one TTL (RFC 2181 5.2). */
import { canonicalName } from "./wire.ts";
import { encodeData, RECORD_TYPES, type RecordType, type ZoneRecord } from "./record-data.ts";

export interface RecordSet {
  readonly ttlS: number;
  readonly data: readonly string[];
}

/** A mutable table. Whoever needs to undo a change works on a `copy()`. */
export class RecordTable {
  readonly #names: Map<string, Map<RecordType, RecordSet>>;

  /** @throws {RangeError} if a record has a name or value that cannot be written to the wire */
  constructor(records: readonly ZoneRecord[]) {
    this.#names = new Map();
    for (const record of records) this.add(record);
  }

  copy(): RecordTable {
    return new RecordTable(this.records());
  }

  /** Whether the name, or one below it, has a record. Such a name exists even without data. */
  exists(name: string): boolean {
    if (this.#names.has(name)) return true;
    const suffix = `.${name}`;
    return [...this.#names.keys()].some((candidate) => candidate.endsWith(suffix));
  }

  /** Whether the name itself owns a record. */
  owns(name: string): boolean {
    return this.#names.has(name);
  }

  set(name: string, type: RecordType): RecordSet | null {
    return this.#names.get(name)?.get(type) ?? null;
  }

  /** Adds a record to its set; the TTL of the newest applies to the whole set. */
  add(record: ZoneRecord): void {
    const name = canonicalName(record.name);
    encodeData(record.type, record.data);
    const data =
      record.type === "CNAME" || record.type === "NS" ? canonicalName(record.data) : record.data;
    const sets = this.#names.get(name) ?? new Map<RecordType, RecordSet>();
    const old = sets.get(record.type)?.data ?? [];
    // A name has at most one alias, so a second CNAME replaces the first (RFC 2136 section 3.4.2.2).
    const kept = record.type === "CNAME" ? [] : old.filter((value) => value !== data);
    sets.set(record.type, { ttlS: record.ttlS, data: [...kept, data] });
    this.#names.set(name, sets);
  }

  deleteSet(name: string, type: RecordType): void {
    const sets = this.#names.get(name);
    sets?.delete(type);
    if (sets?.size === 0) this.#names.delete(name);
  }

  deleteRecord(name: string, type: RecordType, data: string): void {
    const set = this.set(name, type);
    if (set === null) return;
    const rest = set.data.filter((value) => value !== data);
    if (rest.length === 0) this.deleteSet(name, type);
    else this.#names.get(name)?.set(type, { ...set, data: rest });
  }

  /** Every record, in the order of insertion. */
  records(): readonly ZoneRecord[] {
    return [...this.#names].flatMap(([name, sets]) =>
      RECORD_TYPES.flatMap((type) => {
        const set = sets.get(type);
        return (set?.data ?? []).map((data) => ({ name, type, ttlS: set?.ttlS ?? 0, data }));
      }),
    );
  }
}
