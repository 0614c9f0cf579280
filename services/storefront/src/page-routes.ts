/** The pages, the forms they send, the parts they refresh, and the files they use. */
import { NotFoundError } from "@cloudphoenix/chassis";
import type { FastifyPluginCallback } from "fastify";
import { answerFailuresWithPages } from "./failure-pages.ts";
import { addHomeRoutes } from "./home-routes.ts";
import { addOrderRoutes } from "./order-routes.ts";
import { type PageParts, sendPart, servingNow } from "./page-parts.ts";
import { addReceiptRoutes } from "./receipt-routes.ts";
import { statusPanel } from "./pages/status-panel.ts";

const FORM = "application/x-www-form-urlencoded";
const FOR_EVER = "public, max-age=31536000, immutable";

export const pageRoutes: FastifyPluginCallback<PageParts> = (app, parts, done) => {
  // Forms and nothing else: what a handler gets is what it is typed as.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(FORM, { parseAs: "string" }, (_request, body, parsed) =>
    parsed(null, new URLSearchParams(body.toString())),
  );
  answerFailuresWithPages(app, parts.assets);
  addHomeRoutes(app, parts);
  addOrderRoutes(app, parts);
  addReceiptRoutes(app, parts);

  app.get("/status", async (_request, reply) =>
    sendPart(reply, statusPanel(await servingNow(parts))),
  );

  for (const { path, type, content } of Object.values(parts.assets)) {
    app.get(path, (_request, reply) =>
      reply.header("cache-control", FOR_EVER).type(type).send(content),
    );
  }

  app.get("/*", () => {
    throw new NotFoundError("There is no page here.");
  });

  done();
};
