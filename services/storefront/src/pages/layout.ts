/** What all pages share. */
import type { Assets } from "../assets.ts";
import { html, type Markup } from "../markup.ts";

export interface Layout {
  readonly title: string;
  readonly assets: Assets;
  readonly content: Markup;
}

/** A whole document. */
export function layout({ title, assets, content }: Layout): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Phoenix Shop</title>
<link rel="icon" href="${assets.icon.path}">
<link rel="stylesheet" href="${assets.style.path}">
<link rel="modulepreload" href="${assets.sender.path}">
<script type="module" src="${assets.script.path}"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><a href="/">Phoenix Shop</a></header>
<main id="main">
${content}
</main>
<footer>Orders are kept at two clouds. If one fails, the other goes on.</footer>
</body>
</html>
`.text;
}
