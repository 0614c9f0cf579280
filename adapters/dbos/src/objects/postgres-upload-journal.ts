import type {
  HashProgress,
  JournaledPart,
  UploadJournal,
  UploadProgress,
  UploadRecord,
} from "@cloudphoenix/objects";
import type { StateConnection } from "../state/state-connection.ts";

interface UploadRow {
  readonly record: string;
  readonly hashed_parts: number | null;
  readonly hash_state: Buffer | null;
}

interface PartRow {
  readonly number: number;
  readonly size_bytes: string;
  readonly receipt: string;
  readonly md5: string;
}

/**
 * Unfinished uploads of one pair of places, in the state database: any worker goes on with them.
 *
 * Notes and ends only uploads that were begun or found here: whoever comes back late to an upload that
 * another worker has replaced leaves that one alone.
 */
export class PostgresUploadJournal implements UploadJournal {
  readonly #state: StateConnection;
  readonly #pair: string;
  /** By key, the token of the upload that is under way here. */
  readonly #tokens = new Map<string, string>();

  constructor(state: StateConnection, pair: string) {
    this.#state = state;
    this.#pair = pair;
  }

  async find(key: string): Promise<UploadProgress | null> {
    const [row] = await this.#state.query<UploadRow>(
      `select record, hashed_parts, hash_state from cloudphoenix.object_upload
       where pair = $1 and key = $2`,
      [this.#pair, key],
    );
    if (row === undefined) return null;
    const record = recordIn(row);
    this.#tokens.set(key, record.upload.token);
    const parts = await this.#state.query<PartRow>(
      `select number, size_bytes, receipt, md5 from cloudphoenix.object_part
       where pair = $1 and key = $2 order by number`,
      [this.#pair, key],
    );
    return {
      record,
      parts: parts.map(({ number, size_bytes: sizeBytes, receipt, md5 }) => ({
        number,
        sizeBytes: Number(sizeBytes),
        receipt,
        md5,
      })),
      hashed: hashedIn(row),
    };
  }

  async begin(record: UploadRecord): Promise<void> {
    await this.#state.transaction(async (client) => {
      const place = [this.#pair, record.key];
      await client.query(
        "delete from cloudphoenix.object_upload where pair = $1 and key = $2",
        place,
      );
      await client.query(
        "insert into cloudphoenix.object_upload (pair, key, record) values ($1, $2, $3)",
        [...place, JSON.stringify(record)],
      );
    });
    this.#tokens.set(record.key, record.upload.token);
  }

  async partStored(key: string, part: JournaledPart): Promise<void> {
    // Nothing is noted of an upload that somebody else has ended meanwhile.
    await this.#state.query(
      `insert into cloudphoenix.object_part (pair, key, number, size_bytes, receipt, md5)
       select pair, key, $3, $4, $5, $6 from cloudphoenix.object_upload
       where pair = $1 and key = $2 and ${isUpload("$7")} for share
       on conflict (pair, key, number) do update
         set size_bytes = excluded.size_bytes, receipt = excluded.receipt, md5 = excluded.md5`,
      [
        this.#pair,
        key,
        part.number,
        part.sizeBytes,
        part.receipt,
        part.md5,
        this.#tokens.get(key) ?? null,
      ],
    );
  }

  async hashed(key: string, { parts, state }: HashProgress): Promise<void> {
    await this.#state.query(
      `update cloudphoenix.object_upload set hashed_parts = $3, hash_state = $4
       where pair = $1 and key = $2 and ${isUpload("$5")}`,
      [this.#pair, key, parts, Buffer.from(state), this.#tokens.get(key) ?? null],
    );
  }

  async forget(key: string): Promise<void> {
    await this.#state.query(
      `delete from cloudphoenix.object_upload
       where pair = $1 and key = $2 and ${isUpload("$3")}`,
      [this.#pair, key, this.#tokens.get(key) ?? null],
    );
    this.#tokens.delete(key);
  }

  async all(): Promise<readonly UploadRecord[]> {
    const rows = await this.#state.query<UploadRow>(
      "select record from cloudphoenix.object_upload where pair = $1",
      [this.#pair],
    );
    return rows.map(recordIn);
  }
}

/** The record is of the upload whose token is `parameter`; of any if that is null. */
function isUpload(parameter: string): string {
  return `(${parameter}::text is null or record::jsonb #>> '{upload,token}' = ${parameter})`;
}

/** Only this version writes them. */
function recordIn(row: Pick<UploadRow, "record">): UploadRecord {
  const record: UploadRecord = JSON.parse(row.record);
  return record;
}

function hashedIn({ hashed_parts: parts, hash_state: state }: UploadRow): HashProgress | null {
  return parts === null || state === null ? null : { parts, state: new Uint8Array(state) };
}
