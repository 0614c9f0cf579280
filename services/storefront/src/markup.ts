/**
 * HTML that cannot be injected into: whatever is put into a template is escaped, unless it is
 * markup itself. Values stand between tags or in quoted attributes, nowhere else.
 */

/** Text that is HTML already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes; `false` and null leave nothing behind. */
type Value = string | number | false | null | Markup | readonly Markup[];

/** `html\`<p>${anything}</p>\`` */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(
    parts
      .map((part, index) => part + (index < values.length ? textOf(values[index]) : ""))
      .join(""),
  );
}

function textOf(value: Value | undefined): string {
  if (value === undefined || value === null || value === false) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");
  return escaped(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
