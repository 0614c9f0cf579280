/**
 * Judges whether a request was signed by somebody who may: AWS Signature Version 4, in the header
 * or in the query (presigned). Shared by S3 and SQS, which name the refusals differently.
 */
import type { LocalCredentials } from "./credentials.ts";
import {
  equalSignatures,
  scopeText,
  sign,
  type SignatureScope,
  signingKey,
  stringToSign,
} from "./canonical-request.ts";

export type RefusalReason =
  | "ambiguous"
  | "expired"
  | "malformed"
  | "missing"
  | "mismatch"
  | "not-yet-valid"
  | "skewed"
  | "token"
  | "unknown-key"
  | "unsigned-header"
  | "wrong-scope";

/** Why a signature was not accepted. */
export class SignatureRefusal extends Error {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The request as far as signing is concerned. */
export interface SignedRequest {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  /** Decoded. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Hash of the body, or the word that stands for it. */
  readonly payloadHash: string;
}

/** What is needed to go on: chunks and trailers are signed in a chain that begins here. */
export interface VerifiedSignature {
  readonly accessKeyId: string;
  readonly amzDate: string;
  readonly scope: string;
  readonly key: Buffer;
  readonly signature: string;
  readonly presigned: boolean;
}

export interface VerifierOptions {
  readonly credentials: readonly LocalCredentials[];
  readonly region: string;
  readonly service: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** How far the client's clock may be off, as with AWS. */
const MAX_SKEW_MS = 15 * 60_000;
const MAX_EXPIRES_S = 7 * 86_400;
const ALGORITHM = "AWS4-HMAC-SHA256";

interface Claim {
  readonly accessKeyId: string;
  readonly scope: SignatureScope;
  readonly amzDate: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly presigned: boolean;
}

/** Checks signatures for one service. */
export class SignatureVerifier {
  readonly #options: VerifierOptions;
  readonly #byId: ReadonlyMap<string, LocalCredentials>;
  /** Keys change once a day; deriving one costs four HMACs. */
  readonly #keys = new Map<string, Buffer>();

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#byId = new Map(options.credentials.map((entry) => [entry.accessKeyId, entry]));
  }

  /** @throws {SignatureRefusal} */
  verify(request: SignedRequest): VerifiedSignature {
    const claim = claimOf(request);
    this.#requireScope(claim);
    const credentials = this.#byId.get(claim.accessKeyId);
    if (credentials === undefined) throw new SignatureRefusal("unknown-key", claim.accessKeyId);
    this.#requireTime(claim, request);
    requireSignedHeaders(claim, request);
    const key = this.#keyOf(credentials, claim.scope);
    const expected = sign(
      key,
      stringToSign(signedParts(claim, request), claim.amzDate, claim.scope),
    );
    if (!equalSignatures(expected, claim.signature)) {
      throw new SignatureRefusal("mismatch", "the signature differs");
    }
    requireToken(credentials, request);
    const { accessKeyId, amzDate, signature, presigned } = claim;
    return { accessKeyId, amzDate, signature, presigned, key, scope: scopeText(claim.scope) };
  }

  #requireScope({ scope, amzDate }: Claim): void {
    const { region, service } = this.#options;
    if (scope.region !== region) {
      throw new SignatureRefusal(
        "wrong-scope",
        `the region '${scope.region}' is wrong; expecting '${region}'`,
      );
    }
    if (scope.service !== service) {
      throw new SignatureRefusal("wrong-scope", `incorrect service "${scope.service}"`);
    }
    if (!amzDate.startsWith(scope.date)) {
      throw new SignatureRefusal("malformed", "Date in the credential scope is not the request's");
    }
  }

  #requireTime(claim: Claim, request: SignedRequest): void {
    const signedAt = epochOf(claim.amzDate);
    if (Number.isNaN(signedAt)) throw new SignatureRefusal("malformed", "x-amz-date is no date");
    const now = this.#options.now();
    if (!claim.presigned) {
      if (Math.abs(now - signedAt) <= MAX_SKEW_MS) return;
      throw new SignatureRefusal("skewed", new Date(now).toISOString());
    }
    const expires = Number(queryValue(request, "X-Amz-Expires"));
    if (!Number.isInteger(expires) || expires < 1 || expires > MAX_EXPIRES_S) {
      throw new SignatureRefusal("malformed", "X-Amz-Expires must be between 1 and 604800 seconds");
    }
    if (signedAt - now > MAX_SKEW_MS) {
      throw new SignatureRefusal("not-yet-valid", "Request is not valid yet");
    }
    if (now > signedAt + expires * 1000)
      throw new SignatureRefusal("expired", "Request has expired");
  }

  #keyOf({ accessKeyId, secretAccessKey }: LocalCredentials, scope: SignatureScope): Buffer {
    const id = `${accessKeyId}/${scope.date}`;
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    if (this.#keys.size > 64) this.#keys.clear();
    const key = signingKey(secretAccessKey, scope);
    this.#keys.set(id, key);
    return key;
  }
}

function signedParts(claim: Claim, request: SignedRequest): Parameters<typeof stringToSign>[0] {
  return {
    method: request.method,
    path: request.path,
    query: claim.presigned
      ? request.query.filter(([name]) => name !== "X-Amz-Signature")
      : request.query,
    signedHeaders: claim.signedHeaders,
    header: (name) => headerOf(request, name),
    payloadHash: request.payloadHash,
  };
}

/** The host and everything that changes what the request does must be under the signature. */
function requireSignedHeaders({ signedHeaders, presigned }: Claim, request: SignedRequest): void {
  const needed = Object.keys(request.headers).filter(
    (name) => name === "host" || name === "content-md5" || name.startsWith("x-amz-"),
  );
  const missing = needed.find(
    (name) => !signedHeaders.includes(name) && !(presigned && name === "x-amz-content-sha256"),
  );
  if (missing !== undefined) throw new SignatureRefusal("unsigned-header", missing);
}

function requireToken(credentials: LocalCredentials, request: SignedRequest): void {
  const given =
    headerOf(request, "x-amz-security-token") ?? queryValue(request, "X-Amz-Security-Token");
  if (equalSignatures(given ?? "", credentials.sessionToken ?? "")) return;
  throw new SignatureRefusal("token", "the session token is not the one of these credentials");
}

function claimOf(request: SignedRequest): Claim {
  const authorization = headerOf(request, "authorization");
  const algorithm = queryValue(request, "X-Amz-Algorithm");
  if (authorization !== undefined && algorithm !== undefined) {
    throw new SignatureRefusal("ambiguous", "Only one auth mechanism allowed");
  }
  if (authorization !== undefined) return claimOfHeader(authorization, request);
  if (algorithm !== undefined) return claimOfQuery(algorithm, request);
  throw new SignatureRefusal("missing", "the request is not signed");
}

function claimOfHeader(authorization: string, request: SignedRequest): Claim {
  const fields =
    /^(\S+)\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=(\w+)$/u;
  const [, algorithm, credential, signedHeaders, signature] = fields.exec(authorization) ?? [];
  if (algorithm !== ALGORITHM) throw new SignatureRefusal("malformed", `expecting ${ALGORITHM}`);
  return {
    ...credentialOf(credential ?? ""),
    amzDate: headerOf(request, "x-amz-date") ?? "",
    signedHeaders: (signedHeaders ?? "").split(";"),
    signature: signature ?? "",
    presigned: false,
  };
}

function claimOfQuery(algorithm: string, request: SignedRequest): Claim {
  if (algorithm !== ALGORITHM) {
    throw new SignatureRefusal("malformed", `X-Amz-Algorithm only supports "${ALGORITHM}"`);
  }
  return {
    ...credentialOf(queryValue(request, "X-Amz-Credential") ?? ""),
    amzDate: queryValue(request, "X-Amz-Date") ?? "",
    signedHeaders: (queryValue(request, "X-Amz-SignedHeaders") ?? "").split(";"),
    signature: queryValue(request, "X-Amz-Signature") ?? "",
    presigned: true,
  };
}

function credentialOf(text: string): Pick<Claim, "accessKeyId" | "scope"> {
  const [accessKeyId, date, region, service, end, more] = text.split("/");
  if (end !== "aws4_request" || more !== undefined) {
    throw new SignatureRefusal("malformed", "the Credential is mal-formed");
  }
  return {
    accessKeyId: accessKeyId ?? "",
    scope: { date: date ?? "", region: region ?? "", service: service ?? "" },
  };
}

/** NaN if it is not of the form `20260131T235959Z`. */
function epochOf(amzDate: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/u.exec(amzDate) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function headerOf(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

function queryValue(request: SignedRequest, name: string): string | undefined {
  return request.query.find(([candidate]) => candidate === name)?.[1];
}
