/** One thing wrong with a configuration, placed where an editor can jump to it. */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Where in the document, for instance `signals[2].interval`; empty for the whole file. */
  readonly path: string;
  /** What is wrong. Never repeats a value that may be a secret. */
  readonly message: string;
  /** What to write instead; null if nothing can be suggested. */
  readonly suggestion: string | null;
}

/** Renders problems the way a compiler does: `file:line:column: error: message`, then the help. */
export function renderProblems(problems: readonly Problem[]): string {
  return problems.map(renderProblem).join("\n");
}

function renderProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const subject = problem.path === "" ? "" : `${problem.path}: `;
  const first = `${where}: ${problem.severity}: ${subject}${problem.message}`;
  return problem.suggestion === null ? first : `${first}\n    help: ${problem.suggestion}`;
}

/** Writes a document path the way people do: `sites[0].entry.url`. */
export function renderPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}
