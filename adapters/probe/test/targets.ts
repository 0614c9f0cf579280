/** Things to probe, on loopback. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Target {
  readonly url: string;
  /** Requests and TCP connections so far. */
  requests: number;
  connections: number;
  /** Stops listening and drops every connection. */
  stop(): Promise<void>;
}

export async function startHttp(answer: RequestListener): Promise<Target> {
  const target = { url: "", requests: 0, connections: 0, stop: () => Promise.resolve() };
  const server = createServer((request, response) => {
    target.requests += 1;
    answer(request, response);
  });
  server.on("connection", () => {
    target.connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  target.url = `http://127.0.0.1:${portOf(server)}/health`;
  target.stop = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  onTestFinished(target.stop);
  return target;
}

/** A TCP server that does with each connection what it is told. */
export async function startTcp(serve: (socket: Socket) => void): Promise<Target> {
  const sockets = new Set<Socket>();
  const target = { url: "", requests: 0, connections: 0, stop: () => Promise.resolve() };
  const server = createTcpServer((socket) => {
    target.connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  target.url = `http://127.0.0.1:${portOf(server)}/health`;
  target.stop = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  onTestFinished(target.stop);
  return target;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
