/** The receipt of an order, as it is stored. */
import { articleName } from "../catalogue.ts";
import { html, type Markup } from "../markup.ts";
import type { Receipt } from "../order-answers.ts";

export function receiptPage({ orderId, number, customer, items, placedAt }: Receipt): Markup {
  return html`<h1>Receipt ${number}</h1>
<div class="panel"><dl>
<dt>Ordered by</dt><dd>${customer}</dd>
<dt>Placed</dt><dd><time datetime="${placedAt}">${placedAt.slice(0, 16).replace("T", " ")} UTC</time></dd>
${items.map(
  ({ sku, quantity }) => html`<dt>Article</dt><dd>${quantity} × ${articleName(sku)}</dd>
`,
)}</dl></div>
<p><a href="/orders/${orderId}">Back to the order</a></p>`;
}

/** Its order is kept; the receipt is on its way. */
export function pendingReceiptPage(): Markup {
  return html`<h1>The receipt is being written</h1>
<p>Your order is kept. Please look again in a moment.</p>
<p><a href="/">Back to the shop</a></p>`;
}
