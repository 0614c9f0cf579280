/**
 * The head of an HTTP/1.x answer: what it says about the status and about where the body ends.
 *
 * Strict on purpose: two readings of one head are how answers get mixed up (RFC 9112 section 11), so
 * whatever leaves room for a second reading is refused. Costs grow with the length of the head only.
 */

/** Not an answer by RFC 9112. The message is fit to be the detail of a verdict. */
export class MalformedAnswer extends Error {}

/** Where the body ends (RFC 9112 section 6.3). */
type Framing =
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "until-close" };

export interface AnswerHead {
  readonly statusCode: number;
  readonly framing: Framing;
  /** The connection may carry another question. */
  readonly staysOpen: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/u;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/u;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/u;
const LENGTH = /^\d{1,15}$/u;
const NO_BODY: Framing = { kind: "length", bytes: 0 };

/**
 * Reads a head without its closing empty line, decoded as Latin-1.
 * @throws {MalformedAnswer}
 */
export function readHead(text: string): AnswerHead {
  const [statusLine = "", ...fields] = text.split("\r\n");
  const [, minor, status] = STATUS_LINE.exec(statusLine) ?? [];
  if (status === undefined) throw new MalformedAnswer("its answer is not HTTP/1.1");
  const statusCode = Number(status);
  const length = new OnlyValue();
  const coding = new OnlyValue();
  let closes = minor === "0";
  for (const field of fields) {
    const colon = field.indexOf(":");
    const name = field.slice(0, Math.max(colon, 0));
    // Also catches continued lines, which begin with a blank (obs-fold, RFC 9112 section 5.2).
    if (!FIELD_NAME.test(name)) throw new MalformedAnswer("its answer has a malformed header");
    const value = field.slice(colon + 1).trim();
    if (NOT_IN_VALUE.test(value)) throw new MalformedAnswer("its answer has a malformed header");
    switch (name.toLowerCase()) {
      case "content-length":
        length.put(value);
        break;
      case "transfer-encoding":
        coding.put(value);
        break;
      case "connection":
        closes ||= value
          .toLowerCase()
          .split(",")
          .some((token) => token.trim() === "close");
        break;
      default:
    }
  }
  const bodiless = statusCode < 200 || statusCode === 204 || statusCode === 304;
  const told = framingOf(length.value, coding.value, minor === "0");
  const framing = bodiless ? NO_BODY : told;
  return { statusCode, framing, staysOpen: !closes && framing.kind !== "until-close" };
}

function framingOf(length: string | null, coding: string | null, isVersion10: boolean): Framing {
  if (coding !== null) {
    // Both at once, or a coding in an HTTP/1.0 answer, is how a second answer is smuggled in
    // (RFC 9112 sections 6.1 and 6.3).
    if (length !== null || isVersion10 || coding.toLowerCase() !== "chunked") {
      throw new MalformedAnswer("its answer does not say clearly where it ends");
    }
    return { kind: "chunked" };
  }
  if (length === null) return { kind: "until-close" };
  if (!LENGTH.test(length)) throw new MalformedAnswer("its answer has a malformed length");
  return { kind: "length", bytes: Number(length) };
}

/** A field that may be there once. */
class OnlyValue {
  value: string | null = null;

  put(value: string): void {
    if (this.value !== null) {
      throw new MalformedAnswer("its answer does not say clearly where it ends");
    }
    this.value = value;
  }
}
