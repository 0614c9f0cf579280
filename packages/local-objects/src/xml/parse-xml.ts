/**
 * Reads the XML of requests: elements and text. Attributes and namespaces are skipped; document
 * types, which could name entities or files, are refused, and so is everything malformed.
 */

/** One element. */
export class XmlElement {
  /** Without namespace prefix. */
  readonly name: string;
  readonly children: XmlElement[] = [];
  text = "";

  constructor(name: string) {
    this.name = name;
  }

  /** The first child of that name. */
  child(name: string): XmlElement | undefined {
    return this.children.find((child) => child.name === name);
  }

  /** Text of the first child of that name. */
  textOf(name: string): string | undefined {
    return this.child(name)?.text;
  }

  all(name: string): readonly XmlElement[] {
    return this.children.filter((child) => child.name === name);
  }
}

const MAX_DEPTH = 16;
const TOKEN =
  /<\?[^?]*\?>|<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/gy;

/** The root element; null if `source` is not well-formed. */
export function parseXml(source: string): XmlElement | null {
  const reader = new Reader();
  TOKEN.lastIndex = 0;
  for (const text = source.replace(/^\uFEFF/u, ""); TOKEN.lastIndex < text.length; ) {
    const token = TOKEN.exec(text);
    if (token === null || !reader.take(token)) return null;
  }
  return reader.finished();
}

class Reader {
  readonly #open: XmlElement[] = [];
  #root: XmlElement | null = null;

  /** Whether the token may stand here. */
  take(token: RegExpExecArray): boolean {
    const [, cdata, closing, qualified, , selfClosing, text] = token;
    if (text !== undefined) return this.#text(unescapeXml(text));
    if (cdata !== undefined) return this.#text(cdata);
    if (qualified === undefined) return true;
    const name = qualified.slice(qualified.indexOf(":") + 1);
    if (closing === "/") return this.#open.pop()?.name === name;
    const element = new XmlElement(name);
    const parent = this.#open.at(-1);
    if (parent !== undefined) parent.children.push(element);
    else if (this.#root === null) this.#root = element;
    else return false;
    if (selfClosing !== "/") this.#open.push(element);
    return this.#open.length <= MAX_DEPTH;
  }

  finished(): XmlElement | null {
    return this.#open.length === 0 ? this.#root : null;
  }

  #text(text: string | null): boolean {
    if (text === null) return false;
    const element = this.#open.at(-1);
    if (element === undefined) return text.trim() === "";
    element.text += text;
    return true;
  }
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

/** Null for an entity that does not exist. */
function unescapeXml(text: string): string | null {
  if (!text.includes("&")) return text;
  let valid = true;
  const plain = text.replace(/&(?:#(\d+)|#x([\da-fA-F]+)|(\w+));|&/gu, (_, decimal, hex, name) => {
    const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
    if (code <= 0x10_ffff) return String.fromCodePoint(code);
    const character = ENTITIES.get(String(name));
    valid &&= character !== undefined;
    return character ?? "";
  });
  return valid ? plain : null;
}
