/** What a PromQL expression asks for, found by the parser of Prometheus' own editor. */
import { parser } from "@prometheus-io/lezer-promql";

/** One vector selector. */
interface Selector {
  readonly metric: string;
  /** Labels it is narrowed by. */
  readonly labels: readonly string[];
  /** What they are compared with: words, and each choice of an expression that is one. */
  readonly values: readonly LabelValue[];
}

interface LabelValue {
  readonly label: string;
  readonly value: string;
}

export interface PromqlReading {
  readonly selectors: readonly Selector[];
  /** Labels that results are grouped or matched by. */
  readonly groupings: readonly string[];
  /** Where the expression cannot be understood; empty if it can. */
  readonly errors: readonly string[];
}

/** Never fails: what cannot be understood is in `errors`. */
export function readPromql(expression: string): PromqlReading {
  const selectors: { metric: string; labels: string[]; values: LabelValue[] }[] = [];
  const groupings: string[] = [];
  const errors: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ name, from, to, node, type }) => {
      const text = expression.slice(from, to);
      if (type.isError)
        errors.push(`at ${from + 1}: ${expression.slice(from, from + 20) || "end"}`);
      if (name === "VectorSelector") selectors.push({ metric: "", labels: [], values: [] });
      const selector = selectors.at(-1);
      if (name === "Identifier" && selector !== undefined) selector.metric = text;
      const label = selector?.labels.at(-1);
      if (name === "StringLiteral" && node.parent?.name.endsWith("LabelMatcher") && label) {
        selector?.values.push(...wordsOf(text.slice(1, -1)).map((value) => ({ label, value })));
      }
      if (name !== "LabelName") return;
      if (node.parent?.name === "GroupingLabels") groupings.push(text);
      else selector?.labels.push(text);
    },
  });
  return { selectors, groupings, errors };
}

function wordsOf(pattern: string): readonly string[] {
  return pattern.split("|").filter((choice) => /^[\w-]+$/.test(choice));
}
