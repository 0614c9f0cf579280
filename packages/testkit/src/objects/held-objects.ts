/**
 * The objects of a bucket in memory: what is under which key, in the order of listings, and what the
 * cloud that it speaks like says of a version: its ETag, its date, what a listing tells.
 */
import {
  compareKeys,
  type ObjectEntry,
  type ObjectFacts,
  type ObjectProperties,
  type WriteCondition,
  type WriteRequest,
} from "@cloudphoenix/objects";
import { md5Of, problem } from "./memory-answer.ts";

/** One count for all that changes a bucket, uploads too. */
export interface Changes {
  count: number;
}

export interface Held {
  readonly facts: ObjectFacts;
  readonly bytes: Uint8Array;
  /** Bytes of the parts it was stored in; null if in one piece. */
  readonly partBytes: readonly number[] | null;
}

/** What is to be stored. */
interface Content {
  readonly bytes: Uint8Array;
  readonly properties: ObjectProperties;
  readonly md5: string | null;
  /** Only if it came in parts. */
  readonly parts?: { readonly bodies: readonly Uint8Array[]; readonly beganMs: number };
}

/** How the bucket speaks. */
interface Manner {
  readonly flavour: "s3" | "blob";
  readonly listsMetadata: boolean;
  readonly tags: boolean;
  readonly now: () => number;
  /** Names it does not take. */
  readonly refuses: (key: string) => boolean;
}

export class HeldObjects {
  readonly #objects = new Map<string, Held>();
  readonly #manner: Manner;
  readonly #changes: Changes;
  #sorted: readonly string[] | null = null;

  constructor(manner: Manner, changes: Changes) {
    this.#manner = manner;
    this.#changes = changes;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Keys in the order of listings. */
  keys(): readonly string[] {
    this.#sorted ??= [...this.#objects.keys()].toSorted(compareKeys);
    return this.#sorted;
  }

  get(key: string): Held | null {
    return this.#objects.get(key) ?? null;
  }

  /** Stores a new version, whatever was there. */
  keep(key: string, { bytes, properties, md5, parts }: Content): ObjectFacts {
    this.#changes.count += 1;
    const { flavour, tags, now } = this.#manner;
    const isS3 = flavour === "s3";
    const etagOfS3 = parts === undefined ? md5Of(bytes) : etagOfParts(parts.bodies);
    const facts = {
      key,
      sizeBytes: bytes.byteLength,
      etag: isS3 ? etagOfS3 : `0x8D${this.#changes.count}`,
      modifiedMs: isS3 && parts !== undefined ? parts.beganMs : now(),
      md5,
      stamp: properties.stamp,
      properties: tags ? properties : { ...properties, tags: {} },
    };
    if (!this.#objects.has(key)) this.#sorted = null;
    const partBytes = parts?.bodies.map(({ byteLength }) => byteLength) ?? null;
    this.#objects.set(key, { facts, bytes, partBytes });
    return facts;
  }

  /** Says something else of the version that is there. */
  restate(facts: ObjectFacts): void {
    const held = this.#objects.get(facts.key);
    if (held !== undefined) this.#objects.set(facts.key, { ...held, facts });
  }

  remove(key: string): void {
    if (this.#objects.delete(key)) this.#sorted = null;
  }

  /** At most `size` entries below `prefix`, from the first that comes after `after`. */
  page(prefix: string, after: string | null, size: number): readonly ObjectEntry[] {
    const keys = this.keys();
    let at = firstAfter(keys, after, prefix);
    const page: ObjectEntry[] = [];
    while (at < keys.length && page.length < size) {
      const key = keys[at] ?? "";
      if (!key.startsWith(prefix)) break;
      const held = this.#objects.get(key);
      if (held !== undefined) page.push(this.#listed(held.facts));
      at += 1;
    }
    return page;
  }

  /** Exactly the version that is asked for; throws if it is there no more. */
  version({ key, etag }: { readonly key: string; readonly etag: string }): Held {
    this.admitName(key);
    const held = this.#objects.get(key);
    if (held === undefined) throw problem("OBJECT_GONE", key);
    if (held.facts.etag !== etag) throw problem("OBJECT_CHANGED", key);
    return held;
  }

  /** Throws for a write that may not be. */
  admit({ key, condition }: Pick<WriteRequest, "key" | "condition">): void {
    this.admitName(key);
    this.check(key, condition);
  }

  /** Throws for a name that this side cannot hold, whatever is asked of it. */
  admitName(key: string): void {
    if (this.#manner.refuses(key)) throw problem("OBJECT_NAME_REFUSED", key);
  }

  check(key: string, condition: WriteCondition): void {
    const etag = this.#objects.get(key)?.facts.etag;
    const holds =
      condition.kind === "none" ||
      (condition.kind === "absent" ? etag === undefined : etag === condition.etag);
    if (!holds) throw problem("OBJECT_CHANGED", key);
  }

  #listed({ key, sizeBytes, etag, modifiedMs, md5, stamp }: ObjectFacts): ObjectEntry {
    const told = this.#manner.listsMetadata ? stamp : null;
    const fromEtag = /^[0-9a-f]{32}$/.test(etag) ? etag : null;
    const listedMd5 = this.#manner.flavour === "s3" ? fromEtag : md5;
    return { key, sizeBytes, etag, modifiedMs, md5: listedMd5, stamp: told };
  }
}

/** As S3 makes it. */
function etagOfParts(parts: readonly Uint8Array[]): string {
  const md5s = parts.map((bytes) => Buffer.from(md5Of(bytes), "hex"));
  return `${md5Of(Buffer.concat(md5s))}-${parts.length}`;
}

function firstAfter(keys: readonly string[], after: string | null, prefix: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle] ?? "";
    const isBefore =
      compareKeys(key, prefix) < 0 || (after !== null && compareKeys(key, after) <= 0);
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}
