/** Which cloud serves the visitor, and how it is. */
import { html, type Markup } from "../markup.ts";
import type { Site } from "../order-answers.ts";

const CLOUDS: Readonly<Record<string, string>> = { aws: "AWS", azure: "Azure" };
const COLOURS = { healthy: "good", degraded: "wait", unhealthy: "bad" } as const;

/** Refreshes itself where scripts run. */
export function statusSection(site: Site | null): Markup {
  return html`<section class="panel" aria-labelledby="status-title">
<h2 id="status-title">Who serves you</h2>
<div id="status" aria-live="polite" data-refresh="/status" data-every="3000" data-lost="The shop does not answer right now. This page keeps asking.">${statusPanel(site)}</div>
</section>`;
}

/** What `/status` answers. */
export function statusPanel(site: Site | null): Markup {
  if (site === null) {
    return html`<p class="bad">The orders service does not answer right now. Orders are not lost; please wait a moment.</p>`;
  }
  return html`<p>${ordersSentence(site)}</p>
<dl>
<dt>Cloud</dt><dd>${CLOUDS[site.cloud] ?? site.cloud}, ${site.region}</dd>
<dt>Site</dt><dd>${site.site}</dd>
<dt>Writer epoch</dt><dd>${site.generation}</dd>
<dt>Health</dt><dd class="${COLOURS[site.status]}">${site.status}</dd>
${site.dependencies.map(
  ({ name, status, error }) =>
    html`<dt>${name}</dt><dd class="${COLOURS[status]}">${status}${error === undefined ? "" : `: ${error}`}</dd>
`,
)}</dl>`;
}

function ordersSentence({ writesOpen }: Site): Markup {
  return writesOpen
    ? html`<strong class="good">Orders are taken.</strong>`
    : html`<strong class="wait">Orders can be read; new ones are taken again in a moment.</strong>`;
}
