/** Sockets around a `MessageAnswerer`: UDP and TCP on one port. */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { portOf } from "./port-of.ts";
import { type AnswererOptions, MessageAnswerer } from "./message-answerer.ts";

/** A TCP client that sends nothing for this long is let go (RFC 7766 section 6.2.3). */
const TCP_IDLE_MS = 10_000;
/** More open TCP connections than this are refused, so that idle ones cannot exhaust us. */
const TCP_CONNECTIONS_MAX = 200;
/** How often a free port is sought when the system may choose. */
const PORT_ATTEMPTS = 10;

export interface DnsServerOptions extends AnswererOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface DnsServer {
  readonly host: string;
  readonly port: number;
  /** Closes both sockets and every connection. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts an authoritative server for `zones`.
 * @throws {CloudPhoenixError} `PORT_TAKEN`
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const answerer = new MessageAnswerer(options);
  const attempts = options.port === 0 ? PORT_ATTEMPTS : 1;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listen(answerer, options);
    } catch (cause) {
      if (!isPortTaken(cause)) throw cause;
      if (attempt < attempts) continue;
      throw new CloudPhoenixError("PORT_TAKEN", `port ${options.port} is in use`, {
        retryable: false,
        hint: "Choose another port for the DNS server or stop what listens there.",
        cause,
      });
    }
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

/** UDP takes whatever port TCP was given, so that one address serves both. */
async function listen(answerer: MessageAnswerer, options: DnsServerOptions): Promise<DnsServer> {
  const connections = new Set<Socket>();
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    serveConnection(socket, answerer);
  });
  tcp.maxConnections = TCP_CONNECTIONS_MAX;
  tcp.listen(options.port, options.host);
  await once(tcp, "listening");
  const port = portOf(tcp);
  try {
    const udp = await bindUdp(answerer, options, port);
    return { host: options.host, port, close: () => closeAll(tcp, udp, connections) };
  } catch (error) {
    tcp.close();
    throw error;
  }
}

async function bindUdp(
  answerer: MessageAnswerer,
  options: DnsServerOptions,
  port: number,
): Promise<UdpSocket> {
  const udp = createSocket("udp4");
  udp.on("message", (message, from) => {
    const reply = answerer.answer(message, "udp");
    // A reply that cannot be sent is a lost datagram; the client asks again.
    if (reply !== null) udp.send(reply, from.port, from.address, () => {});
  });
  udp.bind(port, options.host);
  await once(udp, "listening");
  udp.on("error", (error) => options.onTrouble?.(error));
  return udp;
}

/** Messages on TCP are preceded by their length (RFC 1035 section 4.2.2). */
function serveConnection(socket: Socket, answerer: MessageAnswerer): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const reply = answerer.answer(pending.subarray(2, end), "tcp");
      pending = pending.subarray(end);
      if (reply === null) {
        socket.destroy();
        return;
      }
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length, 0);
      socket.write(Buffer.concat([length, reply]));
    }
  });
}

async function closeAll(tcp: Server, udp: UdpSocket, connections: Set<Socket>): Promise<void> {
  if (!tcp.listening) return;
  const closed = [once(tcp, "close"), once(udp, "close")];
  tcp.close();
  udp.close();
  for (const socket of connections) socket.destroy();
  await Promise.all(closed);
}
