/**
 * Reads the small XML that object stores answer with.
 *
 * Owns: elements, text, the five entities and character references. Does not own: DTDs, CDATA,
 * namespaces, mixed content; neither cloud sends them. Own code because listings are the hot part of
 * a run without changes: a general parser takes several times as long (figures in docs/adr/0007).
 */

/** An element; `text` is what stands before its first child, if it has any. */
export interface XmlElement {
  readonly name: string;
  /** Attributes as they stand in the tag, unparsed. */
  readonly attributes: string;
  text: string;
  readonly children: XmlElement[];
}

/** The root element; null if `xml` is not well formed: cut off, or not XML at all. */
export function parseXml(xml: string): XmlElement | null {
  const root: XmlElement = { name: "", attributes: "", text: "", children: [] };
  const open: XmlElement[] = [root];
  let current = root;
  let at = xml.indexOf("<");
  while (at >= 0) {
    const end = xml.indexOf(">", at);
    if (end < 0) return null;
    const next = xml.indexOf("<", end);
    const kind = xml.charCodeAt(at + 1);
    if (kind === SLASH) {
      if (xml.slice(at + 2, end).trimEnd() !== current.name || open.length < 2) return null;
      open.pop();
      current = open[open.length - 1] ?? root;
    } else if (kind !== QUESTION && kind !== EXCLAMATION) {
      const closed = xml.charCodeAt(end - 1) === SLASH;
      const element = elementOf(xml.slice(at + 1, closed ? end - 1 : end));
      current.children.push(element);
      if (!closed) {
        open.push(element);
        current = element;
        if (next > end + 1) element.text = unescapeXml(xml.slice(end + 1, next));
      }
    }
    at = next;
  }
  const [document] = root.children;
  return open.length === 1 && root.children.length === 1 ? (document ?? null) : null;
}

/** Text of the first child of that name; undefined if there is none. */
export function childText(element: XmlElement, name: string): string | undefined {
  return child(element, name)?.text;
}

/** The first child of that name. */
export function child(element: XmlElement, name: string): XmlElement | undefined {
  for (const candidate of element.children) if (candidate.name === name) return candidate;
  return undefined;
}

/** `text` as it stands between tags. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

const SLASH = 47;
const QUESTION = 63;
const EXCLAMATION = 33;

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

function elementOf(tag: string): XmlElement {
  const space = tag.search(/\s/);
  return space < 0
    ? { name: tag, attributes: "", text: "", children: [] }
    : { name: tag.slice(0, space), attributes: tag.slice(space + 1), text: "", children: [] };
}

function unescapeXml(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(#x?)?(\w+);/g, (whole, reference: string | undefined, name: string) => {
    if (reference === undefined) return ENTITIES[name] ?? whole;
    const code = Number.parseInt(name, reference === "#x" ? 16 : 10);
    return code <= 0x10_ffff ? String.fromCodePoint(code) : whole;
  });
}
