// The controller's own question to the entry of a site, over HTTP, to an application that says what
// a service on the chassis says.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { describeSiteEntry } from "@cloudphoenix/testkit";
import { HttpSiteEntry } from "../src/composition/http-site-entry.ts";

const SITE = "aws-us-east-1";

async function closeNow(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

describeSiteEntry({
  name: "over HTTP",
  setup: async () => {
    let works = true;
    let speaks = true;
    let writesOpen = true;
    const server = createServer((request, response) => {
      if (!speaks) return;
      if (request.url !== "/health") {
        response.writeHead(404).end();
        return;
      }
      const status = works ? "healthy" : "unhealthy";
      const database = { name: "database", status, responseMs: 1 };
      response.writeHead(works ? 200 : 503, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          status,
          site: SITE,
          cloud: "aws",
          region: "us-east-1",
          pod: "orders-0",
          role: writesOpen ? "active" : "standby",
          generation: 1,
          writesOpen,
          leaseRemainingMs: null,
          durability: "async",
          dependencies: [works ? database : { ...database, error: "refuses connections" }],
        }),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return {
      entry: new HttpSiteEntry({ entries: new Map([[SITE, `http://127.0.0.1:${port}`]]) }),
      site: SITE,
      setWrites: async (open) => {
        writesOpen = open;
      },
      fail: async () => {
        works = false;
      },
      lose: async (how) => {
        if (how === "silent") speaks = false;
        else await closeNow(server);
      },
      stop: () => closeNow(server),
    };
  },
});
