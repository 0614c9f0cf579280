/** Which cloud serves the visitor, how it is, and what happens while the shop moves. */
import type { Level, Move } from "../control-answers.ts";
import type { Control, Score } from "../control-watch.ts";
import { html, type Markup } from "../markup.ts";
import type { Site } from "../order-answers.ts";
import { timeText } from "./time-text.ts";

/** Who serves, and how they are. */
export interface Serving {
  /** Null if the orders service does not say. */
  readonly site: Site | null;
  /** Null if no controller says; undefined if there is none to ask. */
  readonly control: Control | null | undefined;
}

const CLOUDS: Readonly<Record<string, string>> = { aws: "AWS", azure: "Azure" };
const COLOURS = { healthy: "good", degraded: "wait", unhealthy: "bad" } as const;

const LEVELS: Readonly<Record<Level, { readonly colour: string; readonly text: string }>> = {
  none: { colour: "good", text: "nothing to do" },
  heal: { colour: "wait", text: "to be healed in place" },
  region: { colour: "bad", text: "to be moved to another region" },
  dr: { colour: "bad", text: "to be moved to the other cloud" },
};

/** Refreshes itself where scripts run. */
export function statusSection(serving: Serving): Markup {
  return html`<section class="panel" aria-labelledby="status-title">
<h2 id="status-title">Who serves you</h2>
<div id="status" aria-live="polite" data-refresh="/status" data-every="3000" data-lost="The shop does not answer right now. This page keeps asking.">${statusPanel(serving)}</div>
</section>`;
}

/** What `/status` answers. */
export function statusPanel({ site, control }: Serving): Markup {
  const move = control?.move ?? null;
  const moving = move !== null && moveSentence(move, site);
  if (site === null) {
    return html`<p class="bad">The orders service does not answer right now. Orders are not lost; please wait a moment.</p>
${moving}`;
  }
  return html`<p>${ordersSentence(site)}</p>
${moving}<dl>
<dt>Cloud</dt><dd>${CLOUDS[site.cloud] ?? site.cloud}, ${site.region}</dd>
<dt>Site</dt><dd>${site.site}</dd>
<dt>Writer epoch</dt><dd>${site.generation}</dd>
<dt>Health</dt><dd class="${COLOURS[site.status]}">${site.status}</dd>
${control !== undefined && scoreRow(control?.scores.get(site.site))}${site.dependencies.map(
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

function moveSentence({ to, sinceMs }: Move, site: Site | null): Markup {
  if (site?.site === to && site.writesOpen) {
    return html`<p class="wait">The shop has just moved to ${to}; the rest is being finished.</p>
`;
  }
  const since = timeText(new Date(sinceMs).toISOString());
  return html`<p class="wait">The shop is moving to ${to} (since ${since}). An order may have to wait until it is there.</p>
`;
}

function scoreRow(score: Score | undefined): Markup {
  if (score === undefined) {
    return html`<dt>Score</dt><dd class="wait">not known right now</dd>
`;
  }
  const { points, level, old } = score;
  const { colour, text } = LEVELS[level];
  // Levels count only once they have held for a while.
  const words = level === "none" && points > 0 ? "being watched" : text;
  return html`<dt>Score</dt><dd class="${old ? "wait" : colour}">${points}, ${words}${old && " (a while ago)"}</dd>
`;
}
