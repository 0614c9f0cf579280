/**
 * Who may import whom, as data, and the checker that compares it with manifests and sources.
 *
 * Owns: the table below. Does not own: cycles inside a package (the linter finds those).
 * The same table is drawn in ARCHITECTURE.md.
 */

/** What the checker knows of one workspace package. */
export interface PackageFacts {
  /** Folder relative to the root, for instance `adapters/dns`. */
  readonly folder: string;
  readonly name: string;
  /** Names in `dependencies`. */
  readonly dependencies: readonly string[];
  /** Package names imported by files below `src/`, with the file that does it. */
  readonly imports: readonly { readonly file: string; readonly from: string }[];
}

interface Rule {
  readonly folder: RegExp;
  /** Folders this one may import from. */
  readonly may: readonly RegExp[];
  /** Whether packages from the registry and Node's own modules may be used. */
  readonly external: boolean;
}

const RULES: readonly Rule[] = [
  { folder: /^packages\/core$/, may: [], external: false },
  { folder: /^packages\/engine$/, may: [/^packages\/core$/], external: false },
  { folder: /^packages\/local-postgres$/, may: [], external: true },
  { folder: /^packages\/local-objects$/, may: [], external: true },
  { folder: /^packages\/chassis$/, may: [], external: true },
  { folder: /^packages\/objects$/, may: [/^packages\/core$/], external: true },
  { folder: /^packages\/config$/, may: [/^packages\/core$/], external: true },
  { folder: /^packages\/testkit$/, may: [/^packages\/(core|engine|objects)$/], external: true },
  { folder: /^adapters\/[^/]+$/, may: [/^packages\/(core|engine|objects)$/], external: true },
  {
    // One way from the address of a store to the adapter of its cloud, for every app.
    folder: /^packages\/stores$/,
    may: [/^packages\/(core|objects)$/, /^adapters\/(aws|azure)$/],
    external: true,
  },
  {
    // One way to the state database, for every app that opens it.
    folder: /^packages\/state$/,
    may: [/^packages\/(core|config|local-postgres)$/],
    external: true,
  },
  {
    // What the processes of CloudPhoenix have in common as processes.
    folder: /^packages\/process$/,
    may: [/^packages\/core$/],
    external: true,
  },
  { folder: /^services\/[^/]+$/, may: [/^packages\/chassis$/], external: true },
  {
    folder: /^apps\/(controller|agent|sandbox|worker)$/,
    may: [
      /^packages\/(core|engine|objects|stores|config|state|process|local-postgres|local-objects)$/,
      /^adapters\//,
    ],
    external: true,
  },
  {
    // The CLI starts the sandbox and workers, so it may import them, and copies objects itself; it
    // reaches everything else over HTTP.
    folder: /^apps\/cli$/,
    may: [/^packages\/(core|engine|objects|stores|config|process)$/, /^apps\/(sandbox|worker)$/],
    external: true,
  },
];

/** One broken rule, in a sentence. */
export function violationsOf(packages: readonly PackageFacts[]): readonly string[] {
  const folderOf = new Map(packages.map((facts) => [facts.name, facts.folder]));
  return packages.flatMap((facts) => {
    const rule = RULES.find((candidate) => candidate.folder.test(facts.folder));
    if (rule === undefined) return [`${facts.folder} has no rule in test/architecture`];
    return [
      ...manifestViolations(facts, rule, folderOf),
      ...importViolations(facts, rule, folderOf),
    ];
  });
}

function allowed(rule: Rule, dependency: string, folderOf: ReadonlyMap<string, string>): boolean {
  const folder = folderOf.get(dependency);
  if (folder === undefined) return rule.external && !dependency.startsWith("@cloudphoenix/");
  return rule.may.some((pattern) => pattern.test(folder));
}

function manifestViolations(
  facts: PackageFacts,
  rule: Rule,
  folderOf: ReadonlyMap<string, string>,
): readonly string[] {
  return facts.dependencies
    .filter((dependency) => !allowed(rule, dependency, folderOf))
    .map((dependency) => `${facts.folder}/package.json may not depend on ${dependency}`);
}

function importViolations(
  facts: PackageFacts,
  rule: Rule,
  folderOf: ReadonlyMap<string, string>,
): readonly string[] {
  return facts.imports.flatMap(({ file, from }) => {
    if (from === facts.name || (rule.external && from.startsWith("node:"))) return [];
    if (!allowed(rule, from, folderOf)) return [`${file} may not import ${from}`];
    return facts.dependencies.includes(from) ? [] : [`${file} imports undeclared ${from}`];
  });
}
