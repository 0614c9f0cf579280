/** Remembers, over many killed processes, which parts were known to be stored. */

/** An unfinished upload as a process left it. */
export interface PartsOfUpload {
  readonly key: string;
  readonly sourceEtag: string;
  readonly token: string;
  /** The target's names of the parts it has stored, as `RecordedLink` writes them down. */
  readonly receipts: readonly string[];
}

export class PartLedger {
  readonly #tokens = new Map<string, string>();
  /** Every part any process knew to be stored. */
  readonly receipts: Set<string> = new Set();
  /** Uploads of a version that had parts stored, and that were begun again from nothing. */
  readonly begunAnew: string[] = [];

  read(uploads: readonly PartsOfUpload[]): void {
    for (const { key, sourceEtag, token, receipts } of uploads) {
      const version = `${key} ${sourceEtag}`;
      const before = this.#tokens.get(version);
      if (before !== undefined && before !== token) this.begunAnew.push(version);
      if (receipts.length > 0) this.#tokens.set(version, token);
      for (const receipt of receipts) this.receipts.add(receipt);
    }
  }
}
