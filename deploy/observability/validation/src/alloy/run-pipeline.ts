/**
 * Does with a line of a log what Alloy would do with it, stage by stage, as its reference describes
 * them, for the stages that are used here. It is how this repository finds out, without Alloy, that
 * what the pipeline reads is what the loggers write.
 */
import type { AlloyBlock, AlloyValue } from "./parse-alloy.ts";

/** A line on its way to Loki. */
interface ProcessedLine {
  readonly line: string;
  readonly time: Date | null;
  /** Of its stream, with those that are added at the end. */
  readonly labels: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Passing {
  readonly line: string;
  time: Date | null;
  labels: Record<string, string>;
  metadata: Record<string, string>;
  readonly extracted: Record<string, string>;
}

/**
 * @param blocks - the whole configuration: `loki.process` and the labels of `loki.write` are used
 * @param labels - what discovery has found, for instance `{ app, pod }`
 */
export function runPipeline(
  blocks: readonly AlloyBlock[],
  line: string,
  labels: Readonly<Record<string, string>>,
): ProcessedLine {
  const stages = blocks.find(({ name }) => name === "loki.process")?.blocks ?? [];
  const passing: Passing = {
    line,
    time: null,
    labels: { ...labels },
    metadata: {},
    // Labels are among what stages may read.
    extracted: { ...labels },
  };
  for (const stage of stages) runStage(stage, passing);
  const write = blocks.find(({ name }) => name === "loki.write");
  const added = [...fieldsOf(write?.attributes.get("external_labels")).keys()];
  return {
    line: passing.line,
    time: passing.time,
    labels: { ...passing.labels, ...Object.fromEntries(added.map((name) => [name, `<${name}>`])) },
    metadata: passing.metadata,
  };
}

/** Labels that a stream of this configuration can have. */
export function labelsOf(blocks: readonly AlloyBlock[]): readonly string[] {
  const stages = blocks.find(({ name }) => name === "loki.process")?.blocks ?? [];
  const kept = stages.findLast(({ name }) => name === "stage.label_keep");
  const values = kept?.attributes.get("values");
  const write = blocks.find(({ name }) => name === "loki.write");
  return [
    ...(values?.kind === "list" ? values.items.map((item) => textOf(item)) : []),
    ...fieldsOf(write?.attributes.get("external_labels")).keys(),
  ];
}

/** Fields beside a line of this configuration. */
export function metadataOf(blocks: readonly AlloyBlock[]): readonly string[] {
  const stages = blocks.find(({ name }) => name === "loki.process")?.blocks ?? [];
  return stages
    .filter(({ name }) => name === "stage.structured_metadata")
    .flatMap((stage) => [...fieldsOf(stage.attributes.get("values")).keys()]);
}

/** Fields of the JSON of a line that this configuration reads. */
export function jsonFieldsOf(blocks: readonly AlloyBlock[]): readonly string[] {
  const stages = blocks.find(({ name }) => name === "loki.process")?.blocks ?? [];
  return stages
    .filter(({ name }) => name === "stage.json")
    .flatMap((stage) => sourcesOf(stage.attributes.get("expressions")).map(([, field]) => field));
}

function runStage(stage: AlloyBlock, passing: Passing): void {
  const values = stage.attributes.get("values");
  switch (stage.name) {
    case "stage.static_labels":
      for (const [name, text] of sourcesOf(values)) passing.labels[name] = text;
      return;
    case "stage.json":
      extractJson(sourcesOf(stage.attributes.get("expressions")), passing);
      return;
    case "stage.timestamp":
      passing.time = timeOf(passing.extracted[textOf(stage.attributes.get("source"))]);
      return;
    case "stage.labels":
      take(sourcesOf(values), passing.extracted, passing.labels);
      return;
    case "stage.structured_metadata":
      take(sourcesOf(values), passing.extracted, passing.metadata);
      return;
    case "stage.label_keep": {
      const kept = values?.kind === "list" ? values.items.map((item) => textOf(item)) : [];
      const entries = Object.entries(passing.labels).filter(([name]) => kept.includes(name));
      passing.labels = Object.fromEntries(entries);
      return;
    }
    default:
      throw new Error(`nobody has written down what ${stage.name} does`);
  }
}

/** A line that is no JSON extracts nothing and goes on. */
function extractJson(
  fields: readonly (readonly [name: string, field: string])[],
  { line, extracted }: Passing,
): void {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch {
    return;
  }
  if (typeof content !== "object" || content === null) return;
  for (const [name, field] of fields) {
    const value: unknown = Reflect.get(content, field);
    if (typeof value === "string") extracted[name] = value;
    else if (typeof value === "number") extracted[name] = String(value);
  }
}

function take(
  pairs: readonly (readonly [name: string, source: string])[],
  from: Readonly<Record<string, string>>,
  to: Record<string, string>,
): void {
  for (const [name, source] of pairs) {
    const value = from[source];
    if (value !== undefined) to[name] = value;
  }
}

/** RFC 3339 with fractions, as the loggers write it; null leaves the time of arrival. */
function timeOf(text: string | undefined): Date | null {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(text)) return null;
  return new Date(text);
}

/** Pairs of an object; an empty text stands for the name itself. */
function sourcesOf(value: AlloyValue | undefined): readonly (readonly [string, string])[] {
  return [...fieldsOf(value)].map(([name, one]) => [name, textOf(one) || name]);
}

function fieldsOf(value: AlloyValue | undefined): ReadonlyMap<string, AlloyValue> {
  return value?.kind === "object" ? value.fields : new Map();
}

function textOf(value: AlloyValue | undefined): string {
  return value?.kind === "text" ? value.text : "";
}
