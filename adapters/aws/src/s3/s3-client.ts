/**
 * One bucket over S3's REST interface: signed requests out, answers or errors back.
 *
 * Owns: addresses of buckets, escaping, who signs, and for which time. Signing itself (SigV4) and finding credentials are
 * the SDK's. Its client is left out; what it costs per object is in docs/adr/0007.
 */
import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import { CloudPhoenixError, type ErrorCode, messageOf } from "@cloudphoenix/core";
import {
  abortedError,
  ClockOffset,
  type HttpTransport,
  readRefusal,
  refusalError,
  SecretUrl,
  type StoreRefusal,
  type WireAnswer,
  type WireEndpoint,
} from "@cloudphoenix/objects/wire";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from "@smithy/types";

/** One call. */
export interface S3Call {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Null: the bucket itself. */
  readonly key: string | null;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** For people: `reading a/b`. */
  readonly doing: string;
  /** What 404 means for this call. */
  readonly notFound: ErrorCode;
}

export interface S3ClientOptions {
  readonly address: string;
  readonly bucket: string;
  readonly region: string;
  /** A server other than AWS's; buckets are then part of the path. */
  readonly endpoint: URL | null;
  readonly credentials: AwsCredentialIdentityProvider;
  readonly transport: HttpTransport;
  /** This machine's clock, epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** How long finding credentials may take; they are kept by the provider. */
const CREDENTIALS_MS = 30_000;

/** See the file's header. */
export class S3Client {
  readonly #address: string;
  readonly #region: string;
  readonly #endpoint: WireEndpoint;
  readonly #base: string;
  readonly #credentials: AwsCredentialIdentityProvider;
  readonly #clock: ClockOffset;
  #signer: SignatureV4 | null = null;
  #identity: AwsCredentialIdentity | null = null;
  readonly transport: HttpTransport;

  constructor(options: S3ClientOptions) {
    this.#address = options.address;
    this.#region = options.region;
    const { endpoint, base } = placeOf(options);
    this.#endpoint = endpoint;
    this.#base = base;
    this.#credentials = options.credentials;
    this.transport = options.transport;
    this.#clock = new ClockOffset(options.now);
  }

  /** The time as S3 sees it, as far as it is known; epoch milliseconds. */
  now(): number {
    return this.#clock.now();
  }

  /** The answer, if it is a success. @throws {CloudPhoenixError} see `refusalError` and `HttpTransport.exchange` */
  async call(call: S3Call, signal: AbortSignal): Promise<WireAnswer> {
    const answer = await this.tryCall(call, signal);
    if (answer.status < 300) return answer;
    throw await this.refuse(answer, call, signal);
  }

  /** A successful call whose answer has no body worth reading; its headers. */
  async done(call: S3Call, signal: AbortSignal): Promise<WireAnswer["headers"]> {
    const answer = await this.call(call, signal);
    answer.body.resume();
    return answer.headers;
  }

  /** A successful call; the text of its answer. */
  async text(call: S3Call, maxBytes: number, signal: AbortSignal): Promise<string> {
    const answer = await this.call(call, signal);
    return (await this.transport.collect(answer, maxBytes, signal)).toString("utf8");
  }

  /** The answer, whatever its status. @throws {CloudPhoenixError} see `HttpTransport.exchange`; `OBJECT_STORE_DENIED` without credentials */
  async tryCall(call: S3Call, signal: AbortSignal): Promise<WireAnswer> {
    const answer = await this.#send(call, signal);
    if (!this.#clock.learn(answer)) return answer;
    answer.body.resume();
    return this.#send(call, signal);
  }

  async #send(call: S3Call, signal: AbortSignal): Promise<WireAnswer> {
    const { method, key } = call;
    const body = call.body ?? null;
    const path = key === null ? this.#base : this.#base + escapeKey(key);
    const headers: Record<string, string> = {
      ...call.headers,
      host: this.#endpoint.host,
      "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    };
    if (body !== null) headers["content-length"] = String(body.length);
    else if (method === "PUT" || method === "POST") headers["content-length"] = "0";
    const query = call.query ?? {};
    const signer = await this.#currentSigner(signal);
    const { hostname, secure } = this.#endpoint;
    const protocol = secure ? "https:" : "http:";
    const signed = await signer.sign(
      { method, protocol, hostname, path, query, headers },
      { signingDate: new Date(this.#clock.now()) },
    );
    return this.transport.exchange(
      {
        method,
        endpoint: this.#endpoint,
        path: path + queryText(query),
        headers: signed.headers,
        body,
      },
      signal,
    );
  }

  /**
   * A URL that lets whoever has it GET the object for `validMs`, rounded up to seconds. Nobody is asked.
   * @throws {CloudPhoenixError} `ABORTED`; `OBJECT_STORE_DENIED` without credentials
   */
  async presign(key: string, validMs: number, signal: AbortSignal): Promise<SecretUrl> {
    const path = this.#base + escapeKey(key);
    const { hostname, host, secure } = this.#endpoint;
    const protocol = secure ? "https:" : "http:";
    const headers = { host, "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD" };
    const signer = await this.#currentSigner(signal);
    const { query } = await signer.presign(
      { method: "GET", protocol, hostname, path, query: {}, headers },
      { expiresIn: Math.ceil(validMs / 1_000), signingDate: new Date(this.#clock.now()) },
    );
    return new SecretUrl(`${protocol}//${host}${path}${queryText(textsOf(query))}`);
  }

  /** The error an unsuccessful answer stands for. */
  async refuse(answer: WireAnswer, call: S3Call, signal: AbortSignal): Promise<CloudPhoenixError> {
    return this.errorFor(await readRefusal(this.transport, answer, signal), call);
  }

  /** The error that a refusal of this call stands for. */
  errorFor(refusal: StoreRefusal, { doing, notFound }: S3Call): CloudPhoenixError {
    return refusalError(refusal, { address: this.#address, doing, notFound });
  }

  async #currentSigner(signal: AbortSignal): Promise<SignatureV4> {
    const identity = await this.#currentIdentity(signal);
    if (this.#signer === null || identity !== this.#identity) {
      this.#identity = identity;
      this.#signer = new SignatureV4({
        service: "s3",
        region: this.#region,
        credentials: identity,
        sha256: Sha256,
        uriEscapePath: false,
        applyChecksum: false,
      });
    }
    return this.#signer;
  }

  async #currentIdentity(signal: AbortSignal): Promise<AwsCredentialIdentity> {
    if (signal.aborted) throw abortedError(this.#address, signal);
    const ended = Promise.withResolvers<never>();
    const abort = (): void => ended.reject(abortedError(this.#address, signal));
    const limit = setTimeout(
      () => ended.reject(this.#noCredentials(`none within ${CREDENTIALS_MS} ms`)),
      CREDENTIALS_MS,
    );
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([this.#credentials(), ended.promise]);
    } catch (error) {
      if (error instanceof CloudPhoenixError) throw error;
      throw this.#noCredentials(messageOf(error).split("\n", 1)[0]?.slice(0, 200) ?? "", error);
    } finally {
      clearTimeout(limit);
      signal.removeEventListener("abort", abort);
    }
  }

  #noCredentials(because: string, cause?: unknown): CloudPhoenixError {
    const message = `${this.#address}: no credentials could be had: ${because}`;
    return new CloudPhoenixError("OBJECT_STORE_DENIED", message, {
      retryable: true,
      hint: "Give this process a role (IRSA, instance profile), or name credentials.",
      cause,
    });
  }
}

/** Where the bucket answers: its own host on AWS, below the endpoint's path elsewhere. */
function placeOf(options: S3ClientOptions): { endpoint: WireEndpoint; base: string } {
  const { bucket, region, endpoint } = options;
  if (endpoint === null) {
    const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    const service = `s3.${region}.${domain}`;
    // A name with dots does not fit the certificate of the buckets' own hosts.
    const ownHost = !bucket.includes(".");
    const hostname = ownHost ? `${bucket}.${service}` : service;
    const base = ownHost ? "/" : `/${bucket}/`;
    return { endpoint: { secure: true, hostname, port: 443, host: hostname }, base };
  }
  const secure = endpoint.protocol === "https:";
  const port = endpoint.port === "" ? (secure ? 443 : 80) : Number(endpoint.port);
  const hostname = endpoint.hostname.replace(/^\[|\]$/g, "");
  return {
    endpoint: { secure, hostname, port, host: endpoint.host },
    base: `${endpoint.pathname.replace(/\/$/, "")}/${bucket}/`,
  };
}

/** The key as the path of a URL, escaped as SigV4 wants it; slashes stay. */
function escapeKey(key: string): string {
  return /^[\w/.~-]*$/.test(key) ? key : escapeUri(key).replaceAll("%2F", "/");
}

function queryText(query: Readonly<Record<string, string>>): string {
  const names = Object.keys(query);
  if (names.length === 0) return "";
  const pairs = names.map((name) => `${escapeUri(name)}=${escapeUri(query[name] ?? "")}`);
  return `?${pairs.join("&")}`;
}

/** A signed query has one text per name. */
function textsOf(query: Readonly<Record<string, unknown>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));
}

function escapeUri(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * SHA-256 and its HMAC for the signer, from Node's own crypto. An HMAC with bytes for a key costs
 * several times one with a key object, so the key objects are kept with the bytes they are of.
 */
class Sha256 {
  readonly #secret: string | KeyObject | null;
  readonly #data: Uint8Array[] = [];

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = typeof secret === "object" ? keyOf(secret) : (secret ?? null);
  }

  update(data: Uint8Array): void {
    this.#data.push(data);
  }

  digest(): Promise<Uint8Array> {
    const [first] = this.#data;
    const data = this.#data.length === 1 && first !== undefined ? first : Buffer.concat(this.#data);
    const digest =
      this.#secret === null
        ? hash("sha256", data, "buffer")
        : createHmac("sha256", this.#secret).update(data).digest();
    return Promise.resolve(digest);
  }

  reset(): void {
    this.#data.length = 0;
  }
}

const keys = new WeakMap<ArrayBuffer | ArrayBufferView, KeyObject>();

function keyOf(secret: ArrayBuffer | ArrayBufferView): KeyObject {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const bytes =
    secret instanceof ArrayBuffer
      ? new Uint8Array(secret)
      : new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength);
  const key = createSecretKey(bytes);
  keys.set(secret, key);
  return key;
}
