/**
 * From one DNS message to its reply: signatures, queries, updates. No sockets.
 *
 * Invariants:
 * 1. No input makes it throw; what cannot be read is answered FORMERR or not at all.
 * 2. Nothing is changed for a message whose TSIG does not hold.
 * 3. Replies are never answered, so two servers cannot talk to each other for ever.
 */
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  decode,
  encode,
  type Packet,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import type { Clock } from "@cloudphoenix/engine";
import type { AuthoritativeZone, ZoneAnswer } from "./authoritative-zone.ts";
import { RCODE, type Rcode, TSIG_ERROR } from "./rcode.ts";
import { textStrings, type ZoneRecord } from "./record-data.ts";
import {
  encodeTime,
  macIsValid,
  type SigningOptions,
  sign,
  split,
  timeIsValid,
  type Tsig,
  type TsigKey,
} from "./tsig.ts";
import { decodeUpdate, UnsupportedTypeError } from "./update-message.ts";
import {
  canonicalName,
  HEADER_BYTES,
  OPCODE_UPDATE,
  readHeader,
  TYPE,
  type WireHeader,
} from "./wire.ts";

/** Largest UDP reply: fits an unfragmented IPv6 packet (DNS flag day 2020). */
const UDP_BYTES_MAX = 1232;
/** Largest UDP reply to a client that does not speak EDNS (RFC 1035 section 2.3.4). */
const UDP_BYTES_PLAIN = 512;

export interface AnswererOptions {
  readonly zones: readonly AuthoritativeZone[];
  /** Keys that may update every zone. */
  readonly keys: readonly TsigKey[];
  readonly clock: Clock;
  /** Told of failures of the server itself, for instance a zone that could not be stored. */
  readonly onTrouble?: (error: unknown) => void;
}

/** The verdict on the signature of a request. */
type Signature =
  | { readonly kind: "none" }
  | { readonly kind: "good"; readonly key: TsigKey; readonly tsig: Tsig }
  | { readonly kind: "bad"; readonly key: TsigKey; readonly reply: SigningOptions };

export class MessageAnswerer {
  readonly #options: AnswererOptions;
  /** Newest signing time of an accepted update, per key: older ones are replays (RFC 8945 5.2.3). */
  readonly #newestUpdateS = new Map<string, number>();

  constructor(options: AnswererOptions) {
    this.#options = options;
  }

  /** The reply to send, or null if there is none to give. */
  answer(message: Buffer, transport: "udp" | "tcp"): Buffer | null {
    if (message.length < HEADER_BYTES) return null;
    const header = readHeader(message);
    if (header.isResponse) return null;
    try {
      const { body, tsig } = split(message);
      const signature = this.#check(body, tsig, header.opcode);
      return this.#reply(body, header, signature, transport);
    } catch (error) {
      if (error instanceof RangeError) return bareReply(header, RCODE.FORMERR);
      this.#options.onTrouble?.(error);
      return bareReply(header, RCODE.SERVFAIL);
    }
  }

  #reply(body: Buffer, header: WireHeader, signature: Signature, transport: "udp" | "tcp"): Buffer {
    if (signature.kind === "bad") {
      return sign(bareReply(header, RCODE.NOTAUTH), signature.key, signature.reply).message;
    }
    const finish = (reply: Buffer): Buffer => {
      if (signature.kind === "none") return reply;
      const { key, tsig } = signature;
      return sign(reply, key, { timeS: this.#nowS(), requestMac: tsig.mac }).message;
    };
    if (header.opcode === OPCODE_UPDATE) {
      return finish(bareReply(header, this.#update(body, signature)));
    }
    if (header.opcode !== 0) return finish(bareReply(header, RCODE.NOTIMP));

    const query = decodeQuery(body);
    const reply = finish(encode(this.#answerQuery(query)));
    const limit = transport === "tcp" ? 0xffff : udpLimit(query);
    return reply.length <= limit ? reply : finish(encode(truncated(query)));
  }

  #update(body: Buffer, signature: Signature): Rcode {
    if (signature.kind !== "good") return RCODE.REFUSED;
    try {
      const request = decodeUpdate(body);
      const zone = this.#options.zones.find((candidate) => candidate.name === request.zone);
      if (zone === undefined) return RCODE.NOTAUTH;
      this.#newestUpdateS.set(signature.tsig.keyName, signature.tsig.timeS);
      return zone.update(request);
    } catch (error) {
      if (error instanceof UnsupportedTypeError) return RCODE.REFUSED;
      if (error instanceof RangeError) return RCODE.FORMERR;
      this.#options.onTrouble?.(error);
      return RCODE.SERVFAIL;
    }
  }

  /** Key, then MAC, then time: the order of RFC 8945 section 5.2. */
  #check(body: Buffer, tsig: Tsig | null, opcode: number): Signature {
    if (tsig === null) return { kind: "none" };
    const nowS = this.#nowS();
    const key = this.#options.keys.find((known) => canonicalName(known.name) === tsig.keyName);
    const refuse = (error: number): Signature => ({
      kind: "bad",
      key: key ?? { name: tsig.keyName, algorithm: "hmac-sha256", secret: Buffer.alloc(0) },
      reply: { timeS: tsig.timeS, error, unsigned: true },
    });
    if (key === undefined || key.algorithm !== tsig.algorithm) return refuse(TSIG_ERROR.BADKEY);
    if (!macIsValid({ body, tsig }, key)) return refuse(TSIG_ERROR.BADSIG);
    const isReplay =
      opcode === OPCODE_UPDATE && tsig.timeS < (this.#newestUpdateS.get(tsig.keyName) ?? 0);
    if (isReplay || !timeIsValid(tsig, nowS)) {
      const late = { timeS: tsig.timeS, requestMac: tsig.mac, error: TSIG_ERROR.BADTIME };
      return { kind: "bad", key, reply: { ...late, other: encodeTime(nowS) } };
    }
    return { kind: "good", key, tsig };
  }

  #answerQuery(query: DecodedPacket): Packet {
    const [question, ...others] = query.questions ?? [];
    if (question === undefined || others.length > 0) return replyTo(query, RCODE.FORMERR);
    const edns = optionOf(query);
    if (edns !== null && edns.ednsVersion > 0) return badVersion(query);
    const zone = this.#options.zones
      .filter((candidate) => question.class === "IN" && candidate.contains(question.name))
      .toSorted((a, b) => b.name.length - a.name.length)[0];
    const type = typeNumber(question.type);
    if (zone === undefined || type === null) return replyTo(query, RCODE.REFUSED);
    return authoritativeReply(query, zone, zone.answer(question.name, type));
  }

  #nowS(): number {
    return Math.floor(this.#options.clock.now() / 1000);
  }
}

/** A reply of nothing but a header. */
function bareReply(header: WireHeader, rcode: Rcode): Buffer {
  const reply = Buffer.alloc(HEADER_BYTES);
  reply.writeUInt16BE(header.id, 0);
  reply.writeUInt16BE(0x8000 | (header.opcode << 11) | rcode, 2);
  return reply;
}

/** dns-packet signals malformed messages with plain errors; here they become `RangeError`. */
function decodeQuery(body: Buffer): DecodedPacket {
  let query: DecodedPacket;
  try {
    query = decode(body);
  } catch (cause) {
    throw new RangeError("the message cannot be read", { cause });
  }
  // Bytes that are not printable ASCII would come back changed in the echoed question.
  const printable = (query.questions ?? []).every(({ name }) => /^[!-~]{1,253}$/u.test(name));
  if (!printable) throw new RangeError("the name cannot be read");
  return query;
}

function replyTo(query: DecodedPacket, rcode: Rcode, flags = 0): Packet {
  const [question] = query.questions ?? [];
  const edns = optionOf(query);
  return {
    type: "response",
    id: query.id ?? 0,
    flags: flags | rcode | (query.flag_rd ? RECURSION_DESIRED : 0),
    questions: question === undefined ? [] : [question],
    additionals: edns === null ? [] : [option(0)],
  };
}

function truncated(query: DecodedPacket): Packet {
  return replyTo(query, RCODE.NOERROR, AUTHORITATIVE_ANSWER | TRUNCATED_RESPONSE);
}

/** BADVERS is 16, which does not fit the header: its upper bits travel in the OPT record. */
function badVersion(query: DecodedPacket): Packet {
  return { ...replyTo(query, RCODE.NOERROR), additionals: [option(1)] };
}

function authoritativeReply(
  query: DecodedPacket,
  zone: AuthoritativeZone,
  answer: ZoneAnswer,
): Packet {
  const data = zone.soa();
  // RFC 2308 section 3: resolvers remember "no" for at most the minimum, also as the SOA's TTL.
  const soa: Answer = { type: "SOA", name: zone.name, ttl: data.minimum, data };
  const answers = answer.records.map(toAnswer);
  const empty = answers.length === 0 && !answer.includesSoa;
  return {
    ...replyTo(query, answer.rcode, AUTHORITATIVE_ANSWER),
    answers: answer.includesSoa ? [soa, ...answers] : answers,
    authorities: empty || answer.rcode === RCODE.NXDOMAIN ? [soa] : [],
  };
}

function toAnswer({ name, type, ttlS, data }: ZoneRecord): Answer {
  if (type === "TXT") return { name, type, ttl: ttlS, data: [...textStrings(data)] };
  return { name, type, ttl: ttlS, data };
}

function option(extendedRcode: number): Answer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: UDP_BYTES_MAX,
    extendedRcode,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

function optionOf(
  query: DecodedPacket,
): { readonly udpPayloadSize: number; readonly ednsVersion: number } | null {
  return (query.additionals ?? []).find((record) => record.type === "OPT") ?? null;
}

function udpLimit(query: DecodedPacket): number {
  const offered = optionOf(query)?.udpPayloadSize ?? UDP_BYTES_PLAIN;
  return Math.min(Math.max(offered, UDP_BYTES_PLAIN), UDP_BYTES_MAX);
}

/** The number of a type a zone can be asked for; null for zone transfers, which are refused. */
function typeNumber(type: string): number | null {
  if (type === "AXFR" || type === "IXFR") return null;
  const known = Object.entries(TYPE).find(([name]) => name === type);
  // Any type not known here has no data in any zone, which every unused number says as well.
  return known === undefined ? 0 : known[1];
}
