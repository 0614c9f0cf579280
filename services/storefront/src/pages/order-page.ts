/** One order: what became of it, and a way to cancel it. */
import { articleName } from "../catalogue.ts";
import { html, type Markup } from "../markup.ts";
import type { Order } from "../order-answers.ts";

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

export function orderPage(order: Order): Markup {
  return html`<h1>Order ${order.number}</h1>
<div class="panel" aria-live="polite" data-refresh="/orders/${order.id}/state" data-every="2000" data-lost="The shop does not answer right now. Your order is kept; this page keeps asking.">${orderPanel(order)}</div>
<p><a href="/">Back to the shop</a></p>`;
}

/** What `/orders/:id/state` answers. */
export function orderPanel(order: Order): Markup {
  return html`<dl>
<dt>State</dt><dd>${orderState(order)}</dd>
${order.items.map(
  ({ sku, quantity }) => html`<dt>Article</dt><dd>${quantity} × ${articleName(sku)}</dd>
`,
)}</dl>
${order.status === "placed" && cancelForm(order)}`;
}

function cancelForm({ id }: Order): Markup {
  return html`<form method="post" action="/orders/${id}/cancel"><button>Cancel this order</button></form>`;
}
