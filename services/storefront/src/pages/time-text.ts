/** Times as people read them. */
import { html, type Markup } from "../markup.ts";

/** `2026-03-01 12:30 UTC` @param iso - ISO 8601, UTC */
export function timeText(iso: string): Markup {
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;
}
