/** What every page stands on, and how it is sent. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Assets } from "./assets.ts";
import type { ControlWatch } from "./control-watch.ts";
import type { Markup } from "./markup.ts";
import type { Caller, OrdersApi } from "./orders-api.ts";
import { layout } from "./pages/layout.ts";
import type { Serving } from "./pages/status-panel.ts";
import type { SiteView } from "./site-view.ts";

export interface PageParts {
  readonly orders: OrdersApi;
  readonly view: SiteView;
  /** Null: there is no controller to ask. */
  readonly control: ControlWatch | null;
  readonly assets: Assets;
}

const HTML = "text/html; charset=utf-8";

/** Sends a whole page. */
export function sendPage(
  reply: FastifyReply,
  assets: Assets,
  page: { readonly title: string; readonly content: Markup },
): FastifyReply {
  // With no referrer at all, browsers that say nothing else would hide where our own forms come from.
  reply.header("referrer-policy", "same-origin");
  return reply.type(HTML).send(layout({ ...page, assets }));
}

/** Sends a part that a page puts in place of an older one. */
export function sendPart(reply: FastifyReply, part: Markup): FastifyReply {
  return reply.type(HTML).send(part.text);
}

/** Who serves, and how they are. Never throws. */
export async function servingNow({ view, control }: PageParts): Promise<Serving> {
  const [site, known] = await Promise.all([view.now(), control?.now()]);
  return { site, control: known };
}

/** On whose behalf the orders service is asked. */
export function callerOf({ id, ip, deadline }: FastifyRequest): Caller {
  return { requestId: id, address: ip, deadline };
}
