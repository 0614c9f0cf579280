/**
 * Which names take part, by patterns.
 *
 * `*` stands for any characters but `/`, `**` for any at all, `?` for one but `/`. A pattern with a
 * `/` is about the whole name, one without about the part after the last `/`: `*.tmp` means
 * temporary files everywhere.
 */
export interface NamePatterns {
  /** If not empty, only names that match one of them. */
  readonly include?: readonly string[];
  /** Wins over `include`. */
  readonly exclude?: readonly string[];
}

/** A filter for `mergeListings`; undefined if everything takes part. */
export function nameFilter({
  include = [],
  exclude = [],
}: NamePatterns): ((name: string) => boolean) | undefined {
  if (include.length === 0 && exclude.length === 0) return undefined;
  const wanted = include.map(matcherOf);
  const unwanted = exclude.map(matcherOf);
  return (name) =>
    (wanted.length === 0 || wanted.some((matches) => matches(name))) &&
    !unwanted.some((matches) => matches(name));
}

function matcherOf(pattern: string): (name: string) => boolean {
  const source = pattern.replaceAll(/\*\*|[*?]|[^*?]+/g, (token) => {
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    return token.replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`);
  });
  const expression = new RegExp(`^${source}$`, "su");
  if (pattern.includes("/")) return (name) => expression.test(name);
  return (name) => expression.test(name.slice(name.lastIndexOf("/") + 1));
}
