/** The form an order is placed with. */
import { CATALOGUE } from "../catalogue.ts";
import { html, type Markup } from "../markup.ts";
import { type FieldName, type OrderForm, QUANTITY_MAX } from "../order-form.ts";

export function orderFormSection(form: OrderForm): Markup {
  const { fields } = form;
  return html`<section class="panel" aria-labelledby="form-title">
<h2 id="form-title">Place an order</h2>
<p id="say" class="say" role="status"></p>
<form method="post" action="/orders" data-keep>
<input type="hidden" name="key" value="${form.key}">
<label for="customer">Your name</label>
<input id="customer" name="customer" required maxlength="200" autocomplete="name" value="${fields.customer}"${state(form, "customer")}>
${mistake(form, "customer")}
<label for="sku">Article</label>
<select id="sku" name="sku"${state(form, "sku")}>
${CATALOGUE.map(
  ({ sku, name }) =>
    html`<option value="${sku}"${sku === fields.sku && html` selected`}>${name}</option>
`,
)}</select>
${mistake(form, "sku")}
<label for="quantity">How many</label>
<input id="quantity" name="quantity" type="number" inputmode="numeric" min="1" max="${QUANTITY_MAX}" required value="${fields.quantity}"${state(form, "quantity")}>
${mistake(form, "quantity")}
<label for="note">Note (optional)</label>
<textarea id="note" name="note" rows="2" maxlength="500"${state(form, "note")}>${fields.note}</textarea>
${mistake(form, "note")}
<button>Order</button>
</form>
</section>`;
}

function state({ mistakes }: OrderForm, name: FieldName): Markup | null {
  if (mistakes[name] === undefined) return null;
  return html` aria-invalid="true" aria-describedby="${name}-mistake"`;
}

function mistake({ mistakes }: OrderForm, name: FieldName): Markup | null {
  const text = mistakes[name];
  return text === undefined ? null : html`<p class="mistake" id="${name}-mistake">${text}</p>`;
}
