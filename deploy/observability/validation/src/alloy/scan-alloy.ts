/** Words of the Alloy language. */

export interface Word {
  readonly kind: "name" | "text" | "number" | "mark" | "line-end" | "end";
  /** As it means, for texts without quotes. */
  readonly value: string;
  readonly line: number;
}

/** Why a file is not Alloy's language. */
export class AlloySyntaxError extends Error {
  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.name = "AlloySyntaxError";
  }
}

const PATTERNS: readonly (readonly [kind: Word["kind"] | "skip", pattern: RegExp])[] = [
  ["skip", /[ \t\r]+/y],
  ["skip", /\/\/[^\n]*/y],
  ["skip", /\/\*[^]*?\*\//y],
  ["line-end", /\n/y],
  ["text", /"(?:[^"\\\n]|\\.)*"/y],
  ["text", /`[^`]*`/y],
  ["number", /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
  ["name", /[A-Za-z_][A-Za-z0-9_]*/y],
  ["mark", /==|!=|<=|>=|&&|\|\||[{}[\](),.=+\-*/%^<>!]/y],
];

/** @throws {AlloySyntaxError} at the first character that belongs to no word */
export function scanAlloy(source: string): readonly Word[] {
  const words: Word[] = [];
  let at = 0;
  let line = 1;
  while (at < source.length) {
    const found = wordAt(source, at);
    if (found === null) throw new AlloySyntaxError(line, `unexpected ${source[at] ?? ""}`);
    const { kind, text } = found;
    if (kind !== "skip") words.push({ kind, value: kind === "text" ? unquoted(text) : text, line });
    line += text.split("\n").length - 1;
    at += text.length;
  }
  return [...words, { kind: "end", value: "the end of the file", line }];
}

function wordAt(
  source: string,
  at: number,
): { readonly kind: Word["kind"] | "skip"; readonly text: string } | null {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text !== undefined) return { kind, text };
  }
  return null;
}

function unquoted(text: string): string {
  if (text.startsWith("`")) return text.slice(1, -1);
  // Its escapes are those of JSON for what is written here.
  return String(JSON.parse(text));
}
