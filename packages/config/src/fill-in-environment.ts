/** `${NAME}` in any text of the document stands for an environment variable. */

import { type Document, isScalar, visit } from "yaml";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that is named but not set. */
export interface MissingVariable {
  readonly name: string;
  /** Where the text that names it starts. */
  readonly offset: number;
}

const REFERENCE = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Replaces `${NAME}` in the values of `document`, in place; `$${NAME}` stays `${NAME}`. */
export function fillInEnvironment(
  document: Document,
  environment: Environment,
): readonly MissingVariable[] {
  const missing: MissingVariable[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === "key" || !isScalar(node) || typeof node.value !== "string") return;
      node.value = node.value.replaceAll(REFERENCE, (whole, escape: string, name: string) => {
        if (escape !== "") return whole.slice(1);
        const value = environment[name];
        if (value !== undefined) return value;
        missing.push({ name, offset: node.range?.[0] ?? 0 });
        return "";
      });
    },
  });
  return missing;
}
