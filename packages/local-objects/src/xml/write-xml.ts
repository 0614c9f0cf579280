/** Writes the XML that S3 answers with: elements and text, no attributes but the namespace. */

/** Text or nested nodes; null and undefined leave the element out. */
type XmlContent = string | number | boolean | readonly XmlNode[] | null | undefined;
/** An element's name and content, or null for nothing. */
export type XmlNode = readonly [name: string, content: XmlContent] | null;

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A whole document with the namespace of S3, or without for errors. */
export function xmlDocument(root: string, content: readonly XmlNode[], namespace = true): string {
  const attribute = namespace ? ` xmlns="${NAMESPACE}"` : "";
  const inside = content.map(xmlNode).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${inside}</${root}>`;
}

function xmlNode(node: XmlNode): string {
  if (node === null) return "";
  const [name, content] = node;
  if (content === null || content === undefined) return "";
  if (typeof content === "object") return `<${name}>${content.map(xmlNode).join("")}</${name}>`;
  const text = typeof content === "string" ? escapeXml(content) : String(content);
  return text === "" ? `<${name}/>` : `<${name}>${text}</${name}>`;
}

const NEEDS_ESCAPE = /[<>&"'\p{Cc}\uFFFE\uFFFF]/u;

/** Characters that XML cannot hold become references, as S3 does: `encoding-type=url` is the cure. */
function escapeXml(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return text;
  return text.replace(/[<>&"'\p{Cc}\uFFFE\uFFFF]/gu, (character) => {
    switch (character) {
      case "<":
        return "&lt;";
      case ">":
        return "&gt;";
      case "&":
        return "&amp;";
      case '"':
        return "&quot;";
      default:
        return `&#x${character.charCodeAt(0).toString(16)};`;
    }
  });
}
