/** Reads the text of a configuration file completely: syntax, schema, cross checks, warnings. */

import { dirname, resolve } from "node:path";
import type { Policy } from "@cloudphoenix/core";
import { type Document, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import type { Configuration } from "./configuration.ts";
import { crossCheck } from "./cross-checks.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { explainIssues, type Finding } from "./explain-issue.ts";
import { type Environment, fillInEnvironment } from "./fill-in-environment.ts";
import { type Problem, renderPath } from "./problem.ts";
import { configurationSchema, type Sections } from "./schema.ts";
import { type Position, type SourceMap, sourceMap } from "./source-map.ts";
import { rawAt } from "./raw-document.ts";
import { surprisesIn } from "./surprises.ts";

/** Either a configuration (with its warnings inside) or every problem of the text. */
export type Validation =
  | { readonly configuration: Configuration }
  | { readonly problems: readonly Problem[] };

/** Size above which a file is refused unread: a configuration is a page or two, not a data set. */
const TEXT_MAX = 1_000_000;

/** Overrides `state`; may hold a password, because it is not written into a file. */
const STATE_URL = "CLOUDPHOENIX_STATE_URL";

/**
 * Validates `text` as if it stood in `file` (used for positions and relative file names; it is
 * not read). Never throws for what the text says. Problems come in the order of the file.
 */
export function validateConfiguration(
  text: string,
  file: string,
  environment: Environment = {},
): Validation {
  const source: Source = { file, absolute: resolve(file) };
  if (text.length > TEXT_MAX) {
    return { problems: [wholeFile(source, `is larger than ${TEXT_MAX} characters`)] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const map = sourceMap(document, lines);
  const syntax = syntaxProblems(document, map, source);
  if (syntax.length > 0) return { problems: syntax };

  const missing = fillInEnvironment(document, environment).map(({ name, offset }) =>
    place(source, map.at(offset), {
      path: [],
      message: `environment variable ${name} is not set`,
      suggestion: `set ${name}, or write the value here`,
    }),
  );
  const stateUrl = environment[STATE_URL] ?? "";
  if (stateUrl !== "" && !/^postgres(ql)?:$/.test(URL.parse(stateUrl)?.protocol ?? "")) {
    // The value is not repeated: it may hold a password.
    const message = `environment variable ${STATE_URL} is not a postgresql:// URL`;
    const suggestion = "correct or unset it";
    return { problems: [place(source, { line: 1, column: 1 }, { path: [], message, suggestion })] };
  }
  // With holes in it the document would only produce follow-up errors.
  if (missing.length > 0) return { problems: missing };
  return validateDocument({ document, map, source, environment });
}

interface Source {
  /** As the user named it, for messages. */
  readonly file: string;
  readonly absolute: string;
}

interface Input {
  readonly document: Document;
  readonly map: SourceMap;
  readonly source: Source;
  readonly environment: Environment;
}

function validateDocument(input: Input): Validation {
  const { document, map, source } = input;
  const plain = toPlain(document);
  if ("wrong" in plain) return { problems: [wholeFile(source, plain.wrong)] };
  const raw = plain.value;
  if (raw === null || raw === undefined) return { problems: [wholeFile(source, "is empty")] };
  if (typeof raw !== "object") return { problems: [wholeFile(source, "is not a configuration")] };
  const folder = dirname(source.absolute);
  const schema: z.ZodType<Sections> = configurationSchema((name) => resolve(folder, name));
  const parsed = schema.safeParse(raw, { reportInput: true });
  const issues = parsed.success ? [] : parsed.error.issues;
  const findings = [...explainIssues(issues, schema), ...crossCheck(raw)];
  const problems = findings.map((found) => placeFinding(source, map, found, "error"));
  if (!parsed.success || problems.length > 0) return { problems: inOrder(problems) };

  const configuration = assemble(parsed.data, raw, input);
  const warnings = surprisesIn(configuration).map((found) =>
    placeFinding(source, map, found, "warning"),
  );
  return { configuration: deepFreeze({ ...configuration, warnings: inOrder(warnings) }) };
}

function assemble(
  sections: Sections,
  raw: object,
  { source, environment }: Input,
): Omit<Configuration, "warnings"> {
  const stateUrl = environment[STATE_URL];
  const sites = sections.sites.map(({ id, cloud, region }) => ({ id, cloud, region }));
  return {
    file: source.absolute,
    application: {
      ...sections.application,
      sites,
      ...(sections.objects !== undefined && { objects: { rpoMs: sections.objects.rpoMs } }),
    },
    sites: sections.sites,
    networkFence: sections.network_fence ?? null,
    traffic: sections.traffic,
    replication: sections.replication,
    lease: sections.lease ?? null,
    objects: sections.objects ?? null,
    vantages: sections.vantages.map((vantage) => ({
      ...vantage,
      cloud: sites.find((site) => site.id === vantage.site)?.cloud ?? null,
    })),
    signals: sections.signals,
    policy: policyOf(sections, raw),
    notify: sections.notify,
    api: sections.api,
    state:
      stateUrl === undefined || stateUrl === ""
        ? sections.state
        : { kind: "external", url: stateUrl, passwordFile: null },
  };
}

/** Where a lease makes an old writer stop by itself, nothing weaker promotes without a person. */
function policyOf({ policy, lease }: Sections, raw: object): Policy {
  const chosen = rawAt(raw, ["policy", "fence_min"]) !== undefined;
  return lease === undefined || chosen ? policy : { ...policy, fenceMin: "lease-expired" };
}

type Plain = { readonly value: unknown } | { readonly wrong: string };

function toPlain(document: Document): Plain {
  try {
    // A document of aliases to aliases ("billion laughs") must not fill the memory.
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    if (error instanceof ReferenceError) return { wrong: "uses too many aliases" };
    throw error;
  }
}

function syntaxProblems(document: Document, map: SourceMap, source: Source): readonly Problem[] {
  return [...document.errors, ...document.warnings].map((error) =>
    place(source, map.at(error.pos[0]), {
      path: [],
      message:
        error.code === "DUPLICATE_KEY"
          ? "the same key stands here twice"
          : `not valid YAML: ${error.message.split("\n")[0] ?? ""}`,
      suggestion: error.code === "DUPLICATE_KEY" ? "keep one of the two" : null,
    }),
  );
}

function placeFinding(
  source: Source,
  map: SourceMap,
  found: Finding,
  severity: Problem["severity"],
): Problem {
  return { ...place(source, map.find(found.path, found.part), found), severity };
}

function place(
  source: Source,
  position: Position,
  found: Pick<Finding, "path" | "message" | "suggestion">,
): Problem {
  const { message, suggestion } = found;
  return {
    severity: "error",
    file: source.file,
    ...position,
    path: renderPath(found.path),
    message,
    suggestion,
  };
}

function wholeFile(source: Source, message: string): Problem {
  const suggestion = "start from the example in the configuration reference";
  return place(source, { line: 1, column: 1 }, { path: [], message, suggestion });
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
