/**
 * What an answer, or its absence, says about a target.
 *
 * The line that matters: a target that refuses, resets or stays silent is `unhealthy`; a question
 * that could not be put (our address, our credentials, our own resources) is `unknown`, so that a
 * broken monitor never looks like an outage.
 */
import { readHealth } from "./health-document.ts";
import { type Expectation, plainDetail, type Verdict } from "./probe-target.ts";

export interface HttpAnswer {
  readonly statusCode: number;
  readonly body: string;
  /** The body was longer than what is read. */
  readonly truncated: boolean;
}

/** Answers that speak about the asker: credentials missing or expired, or asked too often. */
const ASKERS_FAULT: ReadonlySet<number> = new Set([401, 403, 407, 429]);

/** Failures of this host, before anything reached the target. */
const LOCAL_FAILURES: ReadonlySet<string> = new Set([
  "EACCES",
  "EADDRNOTAVAIL",
  "EAI_AGAIN",
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "EPERM",
]);

const FAILURE_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network unreachable",
  ENOTFOUND: "the name does not exist",
  EPIPE: "connection reset",
  EPROTO: "the TLS handshake failed",
  ETIMEDOUT: "connection timed out",
  CERT_HAS_EXPIRED: "the certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another name",
};

/** The verdict on an answer that came. */
export function classifyAnswer(expect: Expectation, answer: HttpAnswer): Verdict {
  const { statusCode } = answer;
  if (ASKERS_FAULT.has(statusCode)) {
    return { status: "unknown", detail: `HTTP ${statusCode}: the probe itself was turned away` };
  }
  const isOk = statusCode >= 200 && statusCode < 300;
  if (expect === "http-ok") {
    return { status: isOk ? "healthy" : "unhealthy", detail: `HTTP ${statusCode}` };
  }
  // A service that is unhealthy and knows why says so with 503 and a document (RFC 9110 15.6.4).
  if (!isOk && statusCode !== 503) return { status: "unhealthy", detail: `HTTP ${statusCode}` };
  const told = answer.truncated ? null : readHealth(answer.body);
  if (told !== null) return told;
  const what = answer.truncated ? "a body that is too long" : "no health document";
  return { status: "unhealthy", detail: `HTTP ${statusCode} with ${what}` };
}

/** The verdict when no answer came. */
export function classifyFailure(error: Error): Verdict {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (LOCAL_FAILURES.has(code)) {
    return { status: "unknown", detail: plainDetail(`could not ask: ${error.message}`) };
  }
  return { status: "unhealthy", detail: plainDetail(FAILURE_WORDS[code] ?? error.message) };
}
