/** What a LogQL expression asks for, found by the parser of Grafana's own editor. */
import { parser } from "@grafana/lezer-logql";

export interface LogqlReading {
  /** Labels that streams are chosen by. */
  readonly streamLabels: readonly string[];
  /** Labels, fields of JSON or structured metadata that lines are narrowed by. */
  readonly filterLabels: readonly string[];
  readonly groupings: readonly string[];
  /** The line is read as JSON, which makes its fields labels. */
  readonly parsesJson: boolean;
  /** Where the expression cannot be understood; empty if it can. */
  readonly errors: readonly string[];
}

/** Never fails: what cannot be understood is in `errors`. */
export function readLogql(expression: string): LogqlReading {
  const streamLabels: string[] = [];
  const filterLabels: string[] = [];
  const groupings: string[] = [];
  const errors: string[] = [];
  let parsesJson = false;
  parser.parse(expression).iterate({
    enter: ({ name, from, to, node, type }) => {
      if (type.isError)
        errors.push(`at ${from + 1}: ${expression.slice(from, from + 20) || "end"}`);
      if (name === "Json") parsesJson = true;
      if (name !== "Identifier") return;
      const text = expression.slice(from, to);
      if (node.parent?.name === "Matcher") {
        (insideOf(node, "Selector") ? streamLabels : filterLabels).push(text);
      } else if (insideOf(node, "Grouping")) groupings.push(text);
      else if (insideOf(node, "LabelFilter")) filterLabels.push(text);
    },
  });
  // The parser forgives what is left open at the end.
  if (isOpen(expression)) errors.push(`at ${expression.length + 1}: something is left open`);
  return { streamLabels, filterLabels, groupings, parsesJson, errors };
}

function isOpen(expression: string): boolean {
  const bare = expression.replaceAll(/"(?:[^"\\]|\\.)*"|`[^`]*`/g, "");
  const count = (mark: string): number => bare.split(mark).length;
  return ["()", "{}", "[]"].some(([open = "", close = ""]) => count(open) !== count(close));
}

interface Node {
  readonly name: string;
  readonly parent: Node | null;
}

function insideOf(node: Node, name: string): boolean {
  for (let at = node.parent; at !== null; at = at.parent) if (at.name === name) return true;
  return false;
}
