/** Turns what zod found into what an operator can act on. */

import type { z } from "zod";
import { nearest } from "./nearest.ts";
import { renderPath } from "./problem.ts";
import { type SchemaNode, schemaAt } from "./schema-tree.ts";

/** A problem before it is placed in a file. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  /** Whether to point at the key or at its value. */
  readonly part: "key" | "value";
  readonly message: string;
  readonly suggestion: string | null;
  /** For an unknown key: the known key beside it that was meant, if that is clear. */
  readonly meant?: string | null;
}

/**
 * The findings of all issues. A key that is missing only because it is misspelt beside is left
 * out: that is one mistake, not two.
 */
export function explainIssues(
  issues: readonly z.core.$ZodIssue[],
  schema: z.core.$ZodType,
): readonly Finding[] {
  const findings = issues.flatMap((issue) => explainIssue(issue, schema));
  const misspelt = new Set(
    findings.flatMap(({ path, meant }) =>
      typeof meant === "string" ? [renderPath([...path.slice(0, -1), meant])] : [],
    ),
  );
  return findings.filter(
    (found) => found.message !== MISSING || !misspelt.has(renderPath(found.path)),
  );
}

const MISSING = "is missing";

function explainIssue(issue: z.core.$ZodIssue, schema: z.core.$ZodType): readonly Finding[] {
  const { path } = issue;
  const node = schemaAt(schema, path);
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(node?.fields ?? {});
    return issue.keys.map((key) => ({
      path: [...path, key],
      part: "key",
      ...unknownKey(key, known),
    }));
  }
  if (issue.code === "invalid_type" && issue.input === undefined) {
    return [{ path, part: "key", message: MISSING, suggestion: whatToWrite(node) }];
  }
  if (issue.code === "invalid_union") {
    // The choice that got furthest is the one that was meant, for instance a list with one bad entry.
    const meant = issue.errors.find((branch) => branch.some((inner) => inner.path.length > 0));
    if (meant !== undefined) {
      const placed = meant.map((inner) => ({ ...inner, path: [...path, ...inner.path] }));
      return placed.flatMap((inner) => explainIssue(inner, schema));
    }
  }
  if (issue.code === "invalid_key") {
    const wrong = issue.issues[0]?.message ?? "is not a legal key";
    return [{ path, part: "key", message: wrong, suggestion: node?.help ?? null }];
  }
  return [{ path, part: "value", ...wrongValue(issue, node) }];
}

type Words = Pick<Finding, "message" | "suggestion" | "meant">;

const SECRET_KEYS = new Set([
  "password",
  "passwd",
  "token",
  "secret",
  "key",
  "peer_password",
  "api_key",
]);

function unknownKey(key: string, known: readonly string[]): Words {
  const asFile = known.find((candidate) => candidate === `${key}_file`);
  const secretFile = asFile ?? known.find((candidate) => candidate.endsWith("_file"));
  if (secretFile !== undefined && (asFile !== undefined || SECRET_KEYS.has(key.toLowerCase()))) {
    return {
      message: "is a secret, and secrets are not written into the configuration",
      suggestion: `put it into a file of mode 0600 and name that file in \`${secretFile}\``,
      meant: secretFile,
    };
  }
  const meant = nearest(key, known);
  return {
    message: "is not a known key",
    suggestion: meant === null ? `known keys: ${known.join(", ")}` : `did you mean \`${meant}\`?`,
    meant,
  };
}

function wrongValue(issue: z.core.$ZodIssue, node: SchemaNode | null): Words {
  if (issue.code === "custom") {
    const help: unknown = issue.params?.["help"];
    return { message: issue.message, suggestion: typeof help === "string" ? help : null };
  }
  if (issue.code === "too_small") {
    const message = sizeMessage("at least", Number(issue.minimum), issue.origin);
    return { message, suggestion: null };
  }
  if (issue.code === "too_big") {
    const message = sizeMessage("at most", Number(issue.maximum), issue.origin);
    return { message, suggestion: null };
  }
  if (issue.code === "invalid_value") return notAllowed(issue);
  const noun = withArticle(node?.type ?? "legal value");
  const suggestion = node?.help ?? null;
  if (issue.code === "invalid_format") return { message: issue.message, suggestion };
  return issue.code === "invalid_type"
    ? { message: `must be ${noun}, not ${typeName(issue.input)}`, suggestion }
    : { message: `is not ${noun}`, suggestion };
}

function notAllowed(issue: z.core.$ZodIssueInvalidValue): Words {
  const allowed = issue.values.map(String);
  const meant = typeof issue.input === "string" ? nearest(issue.input, allowed) : null;
  return {
    message: `must be one of ${allowed.map((value) => `\`${value}\``).join(", ")}`,
    suggestion: meant === null ? null : `did you mean \`${meant}\`?`,
  };
}

function sizeMessage(bound: "at least" | "at most", size: number, origin: string): string {
  if (origin === "array") return `must have ${bound} ${size} ${size === 1 ? "entry" : "entries"}`;
  if (origin === "string") return `must have ${bound} ${size} ${size === 1 ? "letter" : "letters"}`;
  return `must be ${bound} ${size}`;
}

function whatToWrite(node: SchemaNode | null): string | null {
  if (node === null) return null;
  if (node.help !== null) return node.help;
  const keys = Object.entries(node.fields ?? {});
  return keys.length > 0
    ? `write a map with ${keys.map(([key]) => key).join(", ")}`
    : `write ${withArticle(node.type)}`;
}

function withArticle(noun: string): string {
  if (noun.startsWith("`")) return noun;
  return /^[aeio]/i.test(noun) || noun.startsWith("HT") ? `an ${noun}` : `a ${noun}`;
}

function typeName(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return typeof value === "string" ? "a text" : `a ${typeof value}`;
}
