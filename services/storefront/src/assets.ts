/** Style, scripts and icon: read once, named after their content, kept by browsers for ever. */
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
  /** What the script imports. */
  readonly sender: Asset;
  readonly icon: Asset;
}

const SCRIPT = "text/javascript; charset=utf-8";

/** @throws {Error} if the installation lacks one */
export function loadAssets(): Assets {
  const sender = load("send-order", "js", SCRIPT);
  return {
    sender,
    style: load("page", "css", "text/css; charset=utf-8"),
    script: load("page", "js", SCRIPT, (text) => text.replace("./send-order.js", sender.path)),
    icon: load("icon", "svg", "image/svg+xml"),
  };
}

function load(
  name: string,
  extension: string,
  type: string,
  edit: (text: string) => string = (text) => text,
): Asset {
  const content = edit(
    readFileSync(new URL(`./assets/${name}.${extension}`, import.meta.url), "utf8"),
  );
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  return { path: `/assets/${name}.${hash}.${extension}`, type, content };
}
