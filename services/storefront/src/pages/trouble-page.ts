/** Says what went wrong and what happens next; nobody has to guess whether an order was lost. */
import { html, type Markup } from "../markup.ts";

export interface Trouble {
  readonly title: string;
  readonly detail: string;
  /** Null if trying again is of no use. */
  readonly retryAfterSeconds: number | null;
  readonly requestId: string;
}

export function troublePage({ title, detail, retryAfterSeconds, requestId }: Trouble): Markup {
  return html`<h1>${title}</h1>
<p>${detail}</p>
${
  retryAfterSeconds === null
    ? null
    : html`<p>This passes by itself: please try again in ${retryAfterSeconds} s. What you ordered before is kept.</p>`
}
<p><a href="/">Back to the shop</a></p>
<p>If you write to us, name request ${requestId}.</p>`;
}
