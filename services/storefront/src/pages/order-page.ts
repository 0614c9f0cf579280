/** One order: what became of it, its receipt, and a way to cancel it. */
import { articleName } from "../catalogue.ts";
import { html, type Markup } from "../markup.ts";
import type { Order, Site } from "../order-answers.ts";
import { receiptPath } from "./receipt-page.ts";

const STATES = {
  placed: { colour: "wait", text: "placed, being packed" },
  fulfilled: { colour: "good", text: "fulfilled" },
  cancelled: { colour: "bad", text: "cancelled" },
  set_aside: { colour: "wait", text: "looked at by a person" },
} as const;

/** The state of an order in words. */
export function orderState({ status }: Order): Markup {
  const { colour, text } = STATES[status];
  return html`<span class="${colour}">${text}</span>`;
}

/** @param site - how the site is; null if it is not known */
export function orderPage(order: Order, site: Site | null): Markup {
  return html`<h1>Order ${order.number}</h1>
<div class="panel" aria-live="polite" data-refresh="/orders/${order.id}/state" data-every="2000" data-lost="The shop does not answer right now. Your order is kept; this page keeps asking.">${orderPanel(order, site)}</div>
<p><a href="/">Back to the shop</a></p>`;
}

/** What `/orders/:id/state` answers. */
export function orderPanel(order: Order, site: Site | null): Markup {
  return html`<dl>
<dt>State</dt><dd>${orderState(order)}</dd>
${order.items.map(
  ({ sku, quantity }) => html`<dt>Article</dt><dd>${quantity} × ${articleName(sku)}</dd>
`,
)}${receiptRow(order, site)}</dl>
${order.status === "placed" && cancelForm(order)}`;
}

function receiptRow(order: Order, site: Site | null): Markup | null {
  const text = receiptText(order, site);
  return text === null
    ? null
    : html`<dt>Receipt</dt><dd>${text}</dd>
`;
}

/** Null: the order has none. */
function receiptText({ id, receipt = "none" }: Order, site: Site | null): Markup | null {
  if (receipt === "none") return null;
  if (receipt === "stored") return html`<a href="${receiptPath(id)}">read or print it</a>`;
  const text = receipt === "pending" ? waitingFor(site) : "looked at by a person";
  return html`<span class="wait">${text}</span>`;
}

/** Why a receipt is not there yet. */
function waitingFor(site: Site | null): string {
  const storage = site?.dependencies.find(({ name }) => name === "storage");
  if (storage?.status === "unhealthy") return "written as soon as the storage is back";
  if (site?.writesOpen === false) return "written as soon as orders are taken again";
  return "being written";
}

function cancelForm({ id }: Order): Markup {
  return html`<form method="post" action="/orders/${id}/cancel"><button>Cancel this order</button></form>`;
}
