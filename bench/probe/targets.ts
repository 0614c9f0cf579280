/** Child process: 50 HTTP servers that say they are healthy. Sends its ports, ends with its parent. */
import { once } from "node:events";
import { createServer } from "node:http";

const PORTS = 50;
const BODY = JSON.stringify({ status: "healthy" });

const ports: number[] = [];
for (let index = 0; index < PORTS; index += 1) {
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(BODY);
  });
  // Kept connections must outlive the pause between two probes of one target.
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address === "object" && address !== null) ports.push(address.port);
}
process.on("disconnect", () => process.exit(0));
process.send?.(ports);
