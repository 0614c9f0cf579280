/** The uploads in parts that have begun at a bucket in memory and not ended. */
import type {
  FinishRequest,
  Part,
  PartUpload,
  WholeBody,
  WriteRequest,
} from "@cloudphoenix/objects";
import type { Changes } from "./held-objects.ts";
import { md5Of, problem } from "./memory-answer.ts";

interface HeldUpload {
  readonly request: WriteRequest;
  readonly beganMs: number;
  readonly parts: Map<number, { readonly part: Part; readonly bytes: Uint8Array }>;
}

/** What an upload comes to. */
interface Assembled {
  /** As it was begun. */
  readonly begun: WriteRequest;
  readonly beganMs: number;
  readonly bodies: readonly Uint8Array[];
}

export class HeldUploads {
  readonly #uploads = new Map<string, HeldUpload>();
  readonly #changes: Changes;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  get size(): number {
    return this.#uploads.size;
  }

  begin(request: WriteRequest, beganMs: number): PartUpload {
    this.#changes.count += 1;
    const token = `upload-${this.#changes.count}`;
    this.#uploads.set(token, { request, beganMs, parts: new Map() });
    return { key: request.key, token };
  }

  /** Keeps a part, in place of an earlier one with its number. */
  keep(upload: PartUpload, { number, bytes, md5 }: { readonly number: number } & WholeBody): Part {
    const { parts } = this.#upload(upload, upload.key);
    if (md5Of(bytes) !== md5) throw problem("OBJECT_CORRUPT", upload.key);
    const part = { number, sizeBytes: bytes.byteLength, receipt: md5 };
    parts.set(number, { part, bytes: bytes.slice() });
    return part;
  }

  /** Null if there are none. */
  partsOf({ token }: PartUpload): readonly Part[] | null {
    const parts = [...(this.#uploads.get(token)?.parts.values() ?? [])];
    if (parts.length === 0) return null;
    return parts.map(({ part }) => part).toSorted((a, b) => a.number - b.number);
  }

  /** What the parts that `request` names make together: all of them, in order, as they were sent. */
  assembled(request: FinishRequest): Assembled {
    const held = this.#upload(request.upload, request.key);
    const bodies = request.parts.map(({ number, receipt }, index) => {
      const stored = held.parts.get(number);
      const fits = number === index + 1 && stored?.part.receipt === receipt;
      if (!fits) throw problem("OBJECT_REFUSED", request.key);
      return stored.bytes;
    });
    return { begun: held.request, beganMs: held.beganMs, bodies };
  }

  end({ token }: PartUpload): void {
    this.#uploads.delete(token);
  }

  #upload({ token }: PartUpload, key: string): HeldUpload {
    const held = this.#uploads.get(token);
    if (held === undefined) throw problem("NOT_FOUND", key);
    return held;
  }
}
