/** The receipt of one order, on paper as well. */
import { articleName } from "../catalogue.ts";
import { html, type Markup } from "../markup.ts";
import type { Receipt } from "../order-answers.ts";
import { timeText } from "./time-text.ts";

/** Where the receipt of an order is read. */
export function receiptPath(orderId: string): string {
  return `/orders/${orderId}/receipt`;
}

/** @param receipt - null while it is being written */
export function receiptPage(orderId: string, receipt: Receipt | null): Markup {
  const panel = receiptPanel(orderId, receipt);
  return html`<h1>Receipt</h1>
${
  receipt === null
    ? html`<div class="panel" aria-live="polite" data-refresh="${receiptPath(orderId)}/state" data-every="2000" data-lost="The shop does not answer right now. Your order is kept; this page keeps asking.">${panel}</div>`
    : html`<div class="panel">${panel}</div>`
}
<p class="screen"><a href="/orders/${orderId}">Back to the order</a></p>`;
}

/** What `/orders/:id/receipt/state` answers. */
export function receiptPanel(orderId: string, receipt: Receipt | null): Markup {
  if (receipt === null) {
    return html`<p class="wait">The receipt is being written. Your order is kept.</p>
<p><a href="${receiptPath(orderId)}">Look again</a></p>`;
  }
  const { number, customer, placedAt, items } = receipt;
  return html`<dl data-last>
<dt>Order</dt><dd>${number}</dd>
<dt>Customer</dt><dd>${customer}</dd>
<dt>Placed</dt><dd>${timeText(placedAt)}</dd>
</dl>
<table>
<thead><tr><th scope="col">Article</th><th scope="col">Number</th><th scope="col" class="count">Quantity</th></tr></thead>
<tbody>
${items.map(
  ({ sku, quantity }) =>
    html`<tr><td>${articleName(sku)}</td><td>${sku}</td><td class="count">${quantity}</td></tr>
`,
)}</tbody>
</table>
<p class="screen"><a href="${receiptPath(orderId)}.json">Download as JSON</a></p>`;
}
