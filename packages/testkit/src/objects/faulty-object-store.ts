/**
 * A store with faults: every call of another store passes a hook that may delay it, fail it before or
 * after it took effect, or spoil what it hands out.
 */
import { hash } from "node:crypto";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type {
  FinishRequest,
  ListRequest,
  ObjectEntry,
  ObjectFacts,
  ObjectStore,
  ObjectStoreCapabilities,
  Part,
  PartUpload,
  ReadRequest,
  StoredObject,
  StoreFinding,
  WholeBody,
  WholeObject,
  WholeReadRequest,
  WriteCondition,
  WriteRequest,
} from "@cloudphoenix/objects";

export type StoreCall = Exclude<keyof ObjectStore, "address" | "capabilities"> | "page";

/**
 * `fail`: refused, nothing happened. `lose`: it happened, and the answer is lost. `spoil`: the
 * bytes or the page that comes back is not what is stored. `flip`: as many bytes as are stored, one of them wrong.
 */
export type StoreFault = "none" | "fail" | "lose" | "spoil" | "flip";

/** Decides about one call. May change the world before it answers: that is how a source changes all the time. */
export type FaultHook = (call: StoreCall, key: string) => StoreFault;

export class FaultyObjectStore implements ObjectStore {
  readonly address: string;
  readonly capabilities: ObjectStoreCapabilities;
  readonly #store: ObjectStore;
  readonly #hook: FaultHook;
  readonly hashOfParts?: NonNullable<ObjectStore["hashOfParts"]>;
  readonly readUrl?: NonNullable<ObjectStore["readUrl"]>;
  readonly copyFromUrl?: NonNullable<ObjectStore["copyFromUrl"]>;

  constructor(store: ObjectStore, hook: FaultHook) {
    this.#store = store;
    this.#hook = hook;
    this.address = store.address;
    this.capabilities = store.capabilities;
    const hashOfParts = store.hashOfParts?.bind(store);
    if (hashOfParts !== undefined) {
      this.hashOfParts = (version, ...rest) =>
        this.#pass("hashOfParts", version.key, () => hashOfParts(version, ...rest));
    }
    const readUrl = store.readUrl?.bind(store);
    const copyFromUrl = store.copyFromUrl?.bind(store);
    if (readUrl !== undefined) {
      this.readUrl = (key, ...rest) => this.#pass("readUrl", key, () => readUrl(key, ...rest));
    }
    if (copyFromUrl !== undefined) {
      this.copyFromUrl = (request, ...rest) =>
        this.#pass("copyFromUrl", request.key, () => copyFromUrl(request, ...rest));
    }
  }

  inspect(signal: AbortSignal): Promise<readonly StoreFinding[]> {
    return this.#pass("inspect", "", () => this.#store.inspect(signal));
  }

  async *list(
    request: ListRequest,
    signal: AbortSignal,
  ): AsyncGenerator<readonly ObjectEntry[], void, undefined> {
    await this.#pass("list", request.prefix, () => Promise.resolve());
    for await (const page of this.#store.list(request, signal)) {
      const fault = this.#hook("page", page[0]?.key ?? "");
      if (fault === "fail" || fault === "lose") throw noAnswer("page");
      yield fault === "spoil" ? page.toReversed() : page;
    }
  }

  head(key: string, signal: AbortSignal): Promise<ObjectFacts | null> {
    return this.#pass("head", key, () => this.#store.head(key, signal));
  }

  async *read(
    request: ReadRequest,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const fault = this.#hook("read", request.key);
    if (fault === "fail") throw noAnswer("read");
    for await (const chunk of this.#store.read(request, signal)) {
      yield spoiltBytes(chunk, fault);
      if (fault === "lose") throw noAnswer("read");
    }
  }

  readWhole(request: WholeReadRequest, signal: AbortSignal): Promise<WholeObject> {
    return this.#pass(
      "readWhole",
      request.key,
      () => this.#store.readWhole(request, signal),
      spoiltWhole,
    );
  }

  write(request: WriteRequest, body: WholeBody, signal: AbortSignal): Promise<StoredObject> {
    return this.#pass("write", request.key, () => this.#store.write(request, body, signal));
  }

  beginUpload(request: WriteRequest, signal: AbortSignal): Promise<PartUpload> {
    return this.#pass("beginUpload", request.key, () => this.#store.beginUpload(request, signal));
  }

  uploadPart(
    upload: PartUpload,
    part: { readonly number: number } & WholeBody,
    signal: AbortSignal,
  ): Promise<Part> {
    return this.#pass("uploadPart", upload.key, () => this.#store.uploadPart(upload, part, signal));
  }

  uploadedParts(upload: PartUpload, signal: AbortSignal): Promise<readonly Part[] | null> {
    return this.#pass("uploadedParts", upload.key, () => this.#store.uploadedParts(upload, signal));
  }

  finishUpload(request: FinishRequest, signal: AbortSignal): Promise<StoredObject> {
    return this.#pass("finishUpload", request.key, () => this.#store.finishUpload(request, signal));
  }

  abortUpload(upload: PartUpload, signal: AbortSignal): Promise<void> {
    return this.#pass("abortUpload", upload.key, () => this.#store.abortUpload(upload, signal));
  }

  delete(key: string, condition: WriteCondition, signal: AbortSignal): Promise<void> {
    return this.#pass("delete", key, () => this.#store.delete(key, condition, signal));
  }

  // oxlint-disable-next-line max-params -- private, and a call site reads like the call it passes on
  async #pass<T>(
    call: StoreCall,
    key: string,
    work: () => Promise<T>,
    spoil: (value: T, fault: StoreFault) => T = (value) => value,
  ): Promise<T> {
    const fault = this.#hook(call, key);
    if (fault === "fail") throw noAnswer(call);
    const value = await work();
    if (fault === "lose") throw noAnswer(call);
    return spoil(value, fault);
  }
}

/** The same facts with half of the bytes, or with other ones. */
function spoiltWhole(whole: WholeObject, fault: StoreFault): WholeObject {
  const bytes = spoiltBytes(whole.bytes, fault);
  return fault === "flip"
    ? { ...whole, bytes, md5: hash("md5", bytes, "hex") }
    : { ...whole, bytes };
}

function spoiltBytes(bytes: Uint8Array, fault: StoreFault): Uint8Array {
  if (fault === "spoil") return bytes.subarray(0, bytes.byteLength >> 1);
  return fault === "flip" ? bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) : bytes;
}

function noAnswer(call: StoreCall): CloudPhoenixError {
  return new CloudPhoenixError("OBJECT_STORE_UNREACHABLE", `503 Slow Down (${call})`, {
    retryable: true,
    hint: "Wait; the test does this on purpose.",
  });
}
