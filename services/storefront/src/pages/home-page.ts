/** The front page: place an order, see the newest ones, and who serves you. */
import { articleName } from "../catalogue.ts";
import { html, type Markup } from "../markup.ts";
import type { Order, OrderPage } from "../order-answers.ts";
import type { OrderForm } from "../order-form.ts";
import { orderFormSection } from "./order-form-section.ts";
import { orderState } from "./order-page.ts";
import { type Serving, statusSection } from "./status-panel.ts";
import { timeText } from "./time-text.ts";

export interface HomeView {
  readonly form: OrderForm;
  readonly serving: Serving;
  /** Null if they cannot be read now. */
  readonly page: OrderPage | null;
  /** Said above everything; null if there is nothing to say. */
  readonly notice: string | null;
}

export function homePage({ form, serving, page, notice }: HomeView): Markup {
  return html`<h1>What do you need?</h1>
${notice === null ? null : html`<p class="say" role="alert">${notice}</p>`}
<div class="columns">
${orderFormSection(form)}
${statusSection(serving)}
</div>
<section class="orders" aria-labelledby="orders-title">
<h2 id="orders-title">Newest orders</h2>
${page === null ? html`<p class="wait">Orders cannot be read at this moment.</p>` : ordersTable(page)}
</section>`;
}

function ordersTable({ orders, next }: OrderPage): Markup {
  if (orders.length === 0) return html`<p>There are none yet.</p>`;
  return html`<table>
<thead><tr><th scope="col">Order</th><th scope="col">Articles</th><th scope="col">State</th><th scope="col">Placed</th></tr></thead>
<tbody>
${orders.map(orderRow)}</tbody>
</table>
${next === null ? null : html`<p><a href="/?after=${encodeURIComponent(next)}">Older orders</a></p>`}`;
}

function orderRow(order: Order): Markup {
  const articles = order.items.map(({ sku, quantity }) => `${quantity} × ${articleName(sku)}`);
  return html`<tr><td><a href="/orders/${order.id}">${order.number}</a></td><td>${articles.join(", ")}</td><td>${orderState(order)}</td><td>${timeText(order.createdAt)}</td></tr>
`;
}
