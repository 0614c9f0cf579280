/**
 * One container or queue over the storage service's REST interface: signed requests out, answers or
 * errors back.
 *
 * Owns: endpoint, version of the service, who signs, and for which time. Signing itself is the vendor's: the shared key
 * and bearer token policies of its SDK. The SDK's clients are left out; what they cost per
 * object is in docs/adr/0007.
 */
import { createSecretKey } from "node:crypto";
import type { TokenCredential } from "@azure/identity";
import {
  bearerTokenAuthenticationPolicy,
  createHttpHeaders,
  type HttpHeaders,
  createPipelineRequest,
  type PipelinePolicy,
  type PipelineRequest,
  type PipelineResponse,
} from "@azure/core-rest-pipeline";
import { storageSharedKeyCredentialPolicy } from "@azure/storage-common";
import {
  abortedError,
  ClockOffset,
  type HttpTransport,
  readRefusal,
  refusalError,
  type WireAnswer,
  type WireEndpoint,
} from "@cloudphoenix/objects/wire";
import { CloudPhoenixError, type ErrorCode, messageOf } from "@cloudphoenix/core";
import { escapeBlobKey } from "./blob/blob-keys.ts";

/** How CloudPhoenix proves who it is: a role by choice, a key only where there are no roles. */
export type StorageCredential =
  | { readonly kind: "token"; readonly credential: TokenCredential }
  | { readonly kind: "shared-key"; readonly account: string; readonly key: string };

/** One call. */
export interface StorageCall {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Null: the container itself. */
  readonly key: string | null;
  /** `?` and all, escaped; empty if none. */
  readonly query: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** See `WireRequest`. */
  readonly patienceMs?: number;
  /** For people: `reading a/b`. */
  readonly doing: string;
  /** What 404 means for this call. */
  readonly notFound: ErrorCode;
}

/** Older services refuse newer versions; this is the first that can start a listing at a key. */
const SERVICE_VERSION = "2026-02-06";
const TOKEN_SCOPE = "https://storage.azure.com/.default";
/** How long getting a token may take. */
const TOKEN_MS = 30_000;
const EMPTY = new Uint8Array(0);

export interface StorageClientOptions {
  readonly address: string;
  /** `https://account.blob.core.windows.net`, or an emulator's with the account as its path. */
  readonly endpoint: URL;
  /** Name of the container or queue. */
  readonly container: string;
  readonly credential: StorageCredential;
  readonly transport: HttpTransport;
  /** This machine's clock, epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** See the file's header. */
export class StorageClient {
  readonly #address: string;
  readonly #origin: string;
  readonly #base: string;
  readonly #account: string;
  readonly #endpoint: WireEndpoint;
  readonly #sign: PipelinePolicy;
  readonly #clock: ClockOffset;
  readonly transport: HttpTransport;

  constructor(options: StorageClientOptions) {
    const { endpoint } = options;
    const secure = endpoint.protocol === "https:";
    this.#address = options.address;
    this.#origin = endpoint.origin;
    this.#account = endpoint.pathname.replace(/\/$/, "");
    this.#base = `${this.#account}/${options.container}`;
    this.#endpoint = {
      secure,
      hostname: endpoint.hostname.replace(/^\[|\]$/g, ""),
      port: endpoint.port === "" ? (secure ? 443 : 80) : Number(endpoint.port),
      host: endpoint.host,
    };
    this.#sign = signerFor(options.credential);
    this.#clock = new ClockOffset(options.now);
    this.transport = options.transport;
  }

  /** The answer, if it is a success. @throws {CloudPhoenixError} see `refusalError` and `HttpTransport.exchange` */
  async call(call: StorageCall, signal: AbortSignal): Promise<WireAnswer> {
    const answer = await this.tryCall(call, signal);
    if (answer.status < 300) return answer;
    throw await this.refuse(answer, call, signal);
  }

  /** The answer, whatever its status. @throws {CloudPhoenixError} see `HttpTransport.exchange` */
  tryCall(call: StorageCall, signal: AbortSignal): Promise<WireAnswer> {
    const path = call.key === null ? this.#base : `${this.#base}/${escapeBlobKey(call.key)}`;
    return this.#send(`${path}${call.query}`, call, signal);
  }

  /** A call to the account instead of the container. */
  tryAccountCall(call: StorageCall, signal: AbortSignal): Promise<WireAnswer> {
    return this.#send(`${this.#account}/${call.query}`, call, signal);
  }

  /** A successful call whose answer has no body worth reading; its headers. */
  async done(call: StorageCall, signal: AbortSignal): Promise<WireAnswer["headers"]> {
    const answer = await this.call(call, signal);
    answer.body.resume();
    return answer.headers;
  }

  /** @throws {CloudPhoenixError} `ABORTED` */
  throwIfAborted(signal: AbortSignal): void {
    if (signal.aborted) throw abortedError(this.#address, signal);
  }

  /** The error an unsuccessful answer stands for. */
  async refuse(answer: WireAnswer, call: StorageCall, signal: AbortSignal): Promise<Error> {
    const refusal = await readRefusal(this.transport, answer, signal);
    const { doing, notFound } = call;
    return refusalError(refusal, { address: this.#address, doing, notFound });
  }

  async #send(path: string, call: StorageCall, signal: AbortSignal): Promise<WireAnswer> {
    const answer = await this.#sendOnce(path, call, signal);
    if (!this.#clock.learn(answer)) return answer;
    answer.body.resume();
    return this.#sendOnce(path, call, signal);
  }

  async #sendOnce(path: string, call: StorageCall, signal: AbortSignal): Promise<WireAnswer> {
    const body = call.body ?? (call.method === "PUT" ? EMPTY : null);
    const request = createPipelineRequest({
      url: `${this.#origin}${path}`,
      method: call.method,
      headers: createHttpHeaders({ ...call.headers, "x-ms-version": SERVICE_VERSION }),
      abortSignal: signal,
      allowInsecureConnection: !this.#endpoint.secure,
    });
    if (body !== null) request.headers.set("content-length", String(body.length));
    if (this.#clock.isCorrected) signAt(request.headers, new Date(this.#clock.now()));
    let answer: WireAnswer | undefined;
    const send = async (signed: PipelineRequest): Promise<PipelineResponse> => {
      answer?.body.destroy();
      answer = await this.transport.exchange(
        {
          method: call.method,
          endpoint: this.#endpoint,
          path,
          headers: signed.headers.toJSON(),
          body,
          ...(call.patienceMs === undefined ? {} : { patienceMs: call.patienceMs }),
        },
        signal,
      );
      const challenge = answer.headers["www-authenticate"];
      const headers = createHttpHeaders(
        challenge === undefined ? {} : { "www-authenticate": challenge },
      );
      return { request: signed, status: answer.status, headers };
    };
    try {
      await this.#sign.sendRequest(request, send);
    } catch (error) {
      throw this.#signFailure(error, signal);
    }
    if (answer === undefined) throw new Error("the signing policy sent nothing");
    return answer;
  }

  /** The transport's errors as they are; anything else came from getting a token. */
  #signFailure(error: unknown, signal: AbortSignal): CloudPhoenixError {
    if (error instanceof CloudPhoenixError) return error;
    if (signal.aborted) return abortedError(this.#address, signal);
    const because = messageOf(error).split("\n", 1)[0]?.slice(0, 200);
    const message = `${this.#address}: no token could be had: ${because}`;
    return new CloudPhoenixError("OBJECT_STORE_DENIED", message, {
      retryable: true,
      hint: "Check the managed or workload identity of this process and its role on the container.",
      cause: error,
    });
  }
}

function signerFor(credential: StorageCredential): PipelinePolicy {
  if (credential.kind === "token") {
    return bearerTokenAuthenticationPolicy({
      credential: withDeadline(credential.credential),
      scopes: TOKEN_SCOPE,
    });
  }
  // The policy hands the key to `createHmac`, which takes a fifth of the time with a key object.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its type asks for bytes
  const accountKey = createSecretKey(credential.key, "base64") as unknown as Buffer;
  return storageSharedKeyCredentialPolicy({ accountName: credential.account, accountKey });
}

/** The policy dates what it signs by the machine's clock, and takes no other; here it gets one. */
function signAt(headers: HttpHeaders, time: Date): void {
  const set = headers.set.bind(headers);
  headers.set = (name, value) => set(name, name === "x-ms-date" ? time.toUTCString() : value);
}

/** The SDK waits for a hung token endpoint without end. Tokens are kept, so this is rarely called. */
function withDeadline(credential: TokenCredential): TokenCredential {
  return {
    getToken: (scopes, options) => {
      const deadline = AbortSignal.timeout(TOKEN_MS);
      const given = options?.abortSignal;
      const abortSignal =
        given instanceof AbortSignal ? AbortSignal.any([given, deadline]) : deadline;
      return credential.getToken(scopes, { ...options, abortSignal });
    },
  };
}
