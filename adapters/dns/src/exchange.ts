/** One DNS message out, one back, over UDP or TCP, with a deadline. */
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import { HEADER_BYTES } from "./wire.ts";

const TRUNCATED_FLAG = 0x0200;

export interface DnsServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface ExchangeOptions {
  readonly server: DnsServerAddress;
  /** UDP falls back to TCP by itself when the reply was truncated. */
  readonly transport: "udp" | "tcp";
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** How one transport reports back. */
interface Settle {
  readonly reply: (message: Buffer) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Sends `message` and returns the reply that carries its id.
 * @throws {CloudPhoenixError} `UNREACHABLE` (retryable) if none came in time, `ABORTED`
 */
export async function exchange(message: Buffer, options: ExchangeOptions): Promise<Buffer> {
  if (options.transport === "tcp") return attempt(message, options, overTcp);
  const reply = await attempt(message, options, overUdp);
  const isTruncated = (reply.readUInt16BE(2) & TRUNCATED_FLAG) !== 0;
  return isTruncated ? attempt(message, options, overTcp) : reply;
}

function attempt(
  message: Buffer,
  options: ExchangeOptions,
  transport: (message: Buffer, server: DnsServerAddress, settle: Settle) => () => void,
): Promise<Buffer> {
  const { server, signal, timeoutMs } = options;
  const where = `DNS server ${server.host}:${server.port}`;
  return new Promise<Buffer>((resolve, reject) => {
    if (signal.aborted) {
      reject(aborted(where, signal));
      return;
    }
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      close();
      act();
    };
    const onAbort = (): void => finish(() => reject(aborted(where, signal)));
    const timer = setTimeout(() => {
      finish(() => reject(silent(`${where} did not answer within ${timeoutMs} ms`)));
    }, timeoutMs);
    signal.addEventListener("abort", onAbort, { once: true });
    const close = transport(message, server, {
      reply: (reply) => finish(() => resolve(reply)),
      fail: (cause) => {
        finish(() => reject(silent(`${where} cannot be reached: ${messageOf(cause)}`, cause)));
      },
    });
  });
}

function overUdp(message: Buffer, server: DnsServerAddress, settle: Settle): () => void {
  const socket = createSocket("udp4");
  socket.on("error", settle.fail);
  socket.on("message", (reply) => {
    // A connected socket only hears its peer; the id drops late answers to earlier questions.
    if (isReplyTo(message, reply)) settle.reply(reply);
  });
  // Not as a callback of `connect`, which is also called when the name of the server cannot be resolved.
  socket.once("connect", () => {
    socket.send(message, (error) => {
      if (error !== null) settle.fail(error);
    });
  });
  socket.connect(server.port, server.host);
  let open = true;
  return () => {
    if (!open) return;
    open = false;
    socket.removeAllListeners("message");
    socket.close();
  };
}

function overTcp(message: Buffer, server: DnsServerAddress, settle: Settle): () => void {
  const socket = connect(server.port, server.host);
  let received: Buffer = Buffer.alloc(0);
  socket.on("error", settle.fail);
  socket.on("close", () => settle.fail(new Error("the connection was closed without an answer")));
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
    const reply = received.subarray(2, 2 + received.readUInt16BE(0));
    if (isReplyTo(message, reply)) settle.reply(reply);
    else settle.fail(new Error("the answer belongs to another question"));
  });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length, 0);
  socket.write(Buffer.concat([length, message]));
  return () => {
    socket.removeAllListeners("close");
    socket.destroy();
  };
}

function isReplyTo(message: Buffer, reply: Buffer): boolean {
  return (
    reply.length >= HEADER_BYTES &&
    reply.readUInt16BE(0) === message.readUInt16BE(0) &&
    (reply.readUInt8(2) & 0x80) !== 0
  );
}

function silent(text: string, cause?: unknown): CloudPhoenixError {
  return new CloudPhoenixError("UNREACHABLE", text, {
    retryable: true,
    hint: "Check that the DNS server runs and that this address and port lead to it.",
    cause,
  });
}

function aborted(where: string, signal: AbortSignal): CloudPhoenixError {
  const details = { retryable: false, cause: signal.reason };
  return new CloudPhoenixError("ABORTED", `the question to ${where} was called off`, details);
}
