/** Questions and updates to one server, signed if there is a key. */
import {
  type Answer,
  type DecodedPacket,
  decode,
  encode,
  type Question,
  RECURSION_DESIRED,
} from "dns-packet";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock, Random } from "@cloudphoenix/engine";
import { type DnsServerAddress, exchange } from "./exchange.ts";
import { TSIG_ERROR } from "./rcode.ts";
import type { RecordType, ZoneRecord } from "./record-data.ts";
import { macIsValid, type SignedMessage, sign, split, timeIsValid, type TsigKey } from "./tsig.ts";
import { encodeUpdate, type UpdateRequest } from "./update-message.ts";
import { canonicalName, readHeader } from "./wire.ts";

export interface DnsClientOptions {
  readonly server: DnsServerAddress;
  readonly transport: "udp" | "tcp";
  readonly timeoutMs: number;
  /** Signs every message, and takes no answer for true that is not signed. Null: plain DNS. */
  readonly key: TsigKey | null;
  /** Asks a resolver to look elsewhere too; a question about the truth must not (RFC 1034 4.3.1). */
  readonly recurse: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

/** What came back. */
export interface DnsReply {
  readonly rcode: number;
  /** The error inside the TSIG record of the reply; 0 if none. */
  readonly tsigError: number;
  /** Whether the reply can be believed: signed by our key, or no key is in use. */
  readonly authentic: boolean;
  /** Records of the answer section. */
  readonly answers: readonly ZoneRecord[];
}

/** Asks one server. Every method throws `UNREACHABLE` (retryable) or `ABORTED`. */
export class DnsClient {
  readonly #options: DnsClientOptions;

  constructor(options: DnsClientOptions) {
    this.#options = options;
  }

  /** Asks for the records of one name and type. */
  async query(name: string, type: RecordType, signal: AbortSignal): Promise<DnsReply> {
    const question: Question = { name: canonicalName(name), type, class: "IN" };
    const flags = this.#options.recurse ? RECURSION_DESIRED : 0;
    const query = encode({ type: "query", id: this.#id(), flags, questions: [question] });
    return this.#ask(query, signal);
  }

  /** Asks for a change (RFC 2136). @throws {RangeError} for values that cannot be written */
  async update(request: UpdateRequest, signal: AbortSignal): Promise<DnsReply> {
    return this.#ask(encodeUpdate(this.#id(), request), signal);
  }

  async #ask(message: Buffer, signal: AbortSignal): Promise<DnsReply> {
    const { clock, key, server, timeoutMs, transport } = this.#options;
    const options = { server, timeoutMs, transport, signal };
    if (key === null) return read(await exchange(message, options), true, TSIG_ERROR.NONE);

    const signed = sign(message, key, { timeS: Math.floor(clock.now() / 1000) });
    const { body, tsig } = splitReply(await exchange(signed.message, options));
    const authentic =
      tsig !== null &&
      tsig.keyName === canonicalName(key.name) &&
      macIsValid({ body, tsig }, key, signed.mac) &&
      timeIsValid(tsig, Math.floor(clock.now() / 1000));
    return read(body, authentic, tsig?.error ?? TSIG_ERROR.NONE);
  }

  #id(): number {
    return Math.floor(this.#options.random.next() * 0x1_0000);
  }
}

function splitReply(reply: Buffer): SignedMessage {
  try {
    return split(reply);
  } catch (cause) {
    throw unreadable(cause);
  }
}

function read(body: Buffer, authentic: boolean, tsigError: number): DnsReply {
  const { opcode, rcode } = readHeader(body);
  if (opcode !== 0) return { rcode, tsigError, authentic, answers: [] };
  let packet: DecodedPacket;
  try {
    packet = decode(body);
  } catch (cause) {
    throw unreadable(cause);
  }
  return { rcode, tsigError, authentic, answers: (packet.answers ?? []).flatMap(toRecord) };
}

function toRecord(answer: Answer): readonly ZoneRecord[] {
  if (answer.type === "A") return [{ ...plain(answer), type: "A", data: answer.data }];
  if (answer.type === "TXT") return [{ ...plain(answer), type: "TXT", data: textOf(answer.data) }];
  if (answer.type !== "CNAME" && answer.type !== "NS") return [];
  return [{ ...plain(answer), type: answer.type, data: canonicalName(answer.data) }];
}

function plain(answer: { readonly name: string; readonly ttl?: number | undefined }): {
  readonly name: string;
  readonly ttlS: number;
} {
  return { name: canonicalName(answer.name), ttlS: answer.ttl ?? 0 };
}

function textOf(data: string | Buffer | readonly (string | Buffer)[]): string {
  const parts = Array.isArray(data) ? data : [data];
  return parts.map((part: string | Buffer) => part.toString("latin1")).join("");
}

function unreadable(cause: unknown): CloudPhoenixError {
  return new CloudPhoenixError(
    "UNREACHABLE",
    "the DNS server answered with bytes that cannot be read",
    {
      retryable: true,
      hint: "Check that a DNS server listens at this address and port.",
      cause,
    },
  );
}
