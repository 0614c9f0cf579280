/** What is asked for exists, has the labels it is asked by, and what exists is asked for. */
import { ANY } from "./board-file.ts";
import { askableMetrics, askedIn, groupableLabels, usageIn } from "./metric-usage.ts";
import { valuesOf } from "./label-values.ts";
import { ENDLESS_LABELS, type Policy } from "./policy.ts";
import { readPromql } from "./read-promql.ts";

/** Exported for whoever needs it, though no alert and no dashboard does; each with the reason. */
export const FOR_REFERENCE: Readonly<Record<string, string>> = {};

export const metricPolicies: readonly Policy[] = [
  {
    name: "metric-syntax",
    check: (files) =>
      askedIn(files).flatMap(({ where, expr }) =>
        readPromql(expr).errors.map((error) => `${where} is no PromQL ${error}`),
      ),
  },
  {
    name: "metric-exists",
    check: (files) => {
      const askable = askableMetrics(files);
      return askedIn(files).flatMap(({ where, expr }) =>
        readPromql(expr)
          .selectors.filter(({ metric }) => !askable.has(metric))
          .map(({ metric }) => `${where} asks for ${metric}, which nothing exports`),
      );
    },
  },
  {
    name: "metric-labels",
    check: (files) => {
      const askable = askableMetrics(files);
      return askedIn(files).flatMap(({ where, expr }) => {
        const { selectors, groupings } = readPromql(expr);
        const all = groupableLabels(
          selectors.map(({ metric }) => metric),
          askable,
        );
        return [
          ...selectors.flatMap(({ metric, labels }) =>
            labels
              .filter((label) => !groupableLabels([metric], askable).includes(label))
              .map((label) => `${where} narrows ${metric} by ${label}, which it does not have`),
          ),
          ...groupings
            .filter((label) => !all.includes(label))
            .map((label) => `${where} groups by ${label}, which nothing it asks for has`),
        ];
      });
    },
  },
  {
    name: "metric-values",
    check: (files) =>
      askedIn(files).flatMap(({ where, kind, expr }) =>
        readPromql(expr).selectors.flatMap(({ metric, values }) =>
          values
            // That programs of others are left alone, a test may show with one of them.
            .filter(() => kind !== "test" || metric !== "up")
            .filter(({ value }) => value !== ANY)
            .filter(({ label, value }) => valuesOf(metric, label)?.includes(value) === false)
            .map(({ label, value }) => `${where}: ${label} of ${metric} is never "${value}"`),
        ),
      ),
  },
  {
    name: "metric-used",
    check: (files) => {
      const usageOf = usageIn(files);
      return files.metrics
        .filter(({ name }) => !(name in FOR_REFERENCE) && usageOf(name).length === 0)
        .map(({ name }) => `${name} is in no alert and on no dashboard, and nobody says why`);
    },
  },
  {
    name: "metric-cardinality",
    check: ({ metrics }) =>
      metrics.flatMap(({ name, labels }) =>
        labels
          .filter((label) => ENDLESS_LABELS.includes(label))
          .map((label) => `${name} makes a series for each ${label}`),
      ),
  },
  {
    name: "metric-name",
    check: ({ metrics }) =>
      metrics.flatMap(({ name, type, help }) => [
        ...(type === "counter" && !name.endsWith("_total")
          ? [`${name} counts, but is no _total`]
          : []),
        ...(type !== "counter" && name.endsWith("_total")
          ? [`${name} is a _total, but no counter`]
          : []),
        ...(help.endsWith(".") ? [] : [`${name} is not explained in a sentence`]),
      ]),
  },
];
