/** Style, script and icon: read once, named after their content, kept by browsers for ever. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** One file. */
interface Asset {
  /** `/assets/page.3f2a….css` */
  readonly path: string;
  readonly type: string;
  readonly content: string;
}

/** Every file the pages use. */
export interface Assets {
  readonly style: Asset;
  readonly script: Asset;
  readonly icon: Asset;
}

/** @throws {Error} if the installation lacks one */
export function loadAssets(): Assets {
  return {
    style: load("page", "css", "text/css; charset=utf-8"),
    script: load("page", "js", "text/javascript; charset=utf-8"),
    icon: load("icon", "svg", "image/svg+xml"),
  };
}

function load(name: string, extension: string, type: string): Asset {
  const content = readFileSync(new URL(`./assets/${name}.${extension}`, import.meta.url), "utf8");
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  return { path: `/assets/${name}.${hash}.${extension}`, type, content };
}
