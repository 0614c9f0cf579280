/** Logs: the pipeline that collects them, the store that keeps them, and what is asked of it. */
import { checkAlloy } from "./alloy/check-alloy.ts";
import { type AlloyBlock, parseAlloy } from "./alloy/parse-alloy.ts";
import { labelsOf, metadataOf } from "./alloy/run-pipeline.ts";
import { AlloySyntaxError } from "./alloy/scan-alloy.ts";
import { expanded, expressionsOf, parsedBoards } from "./board-file.ts";
import type { DataSource, ObservabilityFiles } from "./files.ts";
import { guideQueries } from "./guide-queries.ts";
import { LOKI_KEYS } from "./loki-keys.ts";
import { ENDLESS_LABELS, type Policy } from "./policy.ts";
import { readLogql } from "./read-logql.ts";

/** More than these and the index costs more than the lines. */
const LABELS_MAX = 4;

export const logPolicies: readonly Policy[] = [
  {
    name: "alloy",
    check: ({ alloy }) => {
      const blocks = blocksOf(alloy);
      return typeof blocks === "string" ? [blocks] : checkAlloy(blocks);
    },
  },
  {
    name: "log-labels",
    check: ({ alloy }) => {
      const blocks = blocksOf(alloy);
      if (typeof blocks === "string") return [];
      const labels = labelsOf(blocks);
      return [
        ...(/\bstage\.label_keep\b/.test(alloy) ? [] : ["nothing says which labels are kept"]),
        ...(labels.length === 0 || labels.length > LABELS_MAX
          ? [`streams have ${labels.length} labels; 1 to ${LABELS_MAX} are few enough`]
          : []),
        ...labels
          .filter((label) => ENDLESS_LABELS.includes(label))
          .map((label) => `a stream is made for each ${label}`),
      ];
    },
  },
  {
    name: "log-queries",
    check: (files) => {
      const blocks = blocksOf(files.alloy);
      if (typeof blocks === "string") return [];
      const labels = labelsOf(blocks);
      const fields = [...labels, ...metadataOf(blocks)];
      return queriesIn(files).flatMap(({ where, expr }) => {
        const { streamLabels, filterLabels, groupings, parsesJson, errors } = readLogql(expr);
        return [
          ...errors.map((error) => `${where} is no LogQL ${error}`),
          ...streamLabels
            .filter((label) => !labels.includes(label))
            .map((label) => `${where} chooses streams by ${label}, which they do not have`),
          ...(parsesJson ? [] : [...filterLabels, ...groupings])
            .filter((label) => !fields.includes(label))
            .map((label) => `${where} asks for ${label}, which lines do not have`),
        ];
      });
    },
  },
  { name: "loki-keys", check: ({ loki }) => unknownKeys(loki, LOKI_KEYS, "") },
  {
    name: "loki-keeps",
    check: ({ loki, alloy }) => {
      const { limits_config: limits = {}, compactor = {}, schema_config: schemas = {} } = loki;
      const blocks = blocksOf(alloy);
      const labels = typeof blocks === "string" ? 0 : labelsOf(blocks).length;
      const text = JSON.stringify(schemas);
      return [
        ...(limits["retention_period"] !== undefined && compactor["retention_enabled"] !== true
          ? ["nobody deletes what is older than retention_period: the compactor has to"]
          : []),
        ...(compactor["delete_request_store"] === undefined
          ? ["the compactor has no delete_request_store: Loki does not start with retention"]
          : []),
        ...(limits["allow_structured_metadata"] === true && text.includes('"v13"')
          ? []
          : ["request and trace ids need structured metadata: schema v13, and allowed"]),
        ...(text.includes('"filesystem"') ? ["logs die with the disk they are on"] : []),
        ...(Number(limits["max_label_names_per_series"] ?? 15) < labels + 1
          ? ["fewer labels are allowed than streams have"]
          : []),
        ...(isTrue(loki["auth_enabled"]) ? [] : ["everybody is one tenant"]),
      ];
    },
  },
  { name: "datasource-links", check: ({ dataSources }) => linkFindings(dataSources) },
];

/** The blocks, or what is wrong with the language. */
function blocksOf(alloy: string): readonly AlloyBlock[] | string {
  try {
    return parseAlloy(alloy);
  } catch (error) {
    if (error instanceof AlloySyntaxError) return error.message;
    throw error;
  }
}

/** Every LogQL expression: of dashboards, of alerts, and of links between logs and traces. */
function queriesIn(files: ObservabilityFiles): readonly { where: string; expr: string }[] {
  return [
    ...parsedBoards(files).flatMap(({ file, board }) =>
      expressionsOf(board)
        .filter(({ language }) => language === "logql")
        .map(({ where, expr }) => ({ where: `${file}, ${where}`, expr: expanded(expr) })),
    ),
    ...files.logAlerts.map(({ alert, expr }) => ({ where: alert, expr })),
    ...guideQueries(files.guide)
      .filter(({ language }) => language === "logql")
      .map(({ expr }) => ({ where: "the guide", expr })),
    ...textsIn(files.dataSources)
      .filter((text) => text.startsWith("{"))
      .map((text) => ({
        where: "a link of the data sources",
        expr: text.replaceAll(/\$\$\{[^}]*\}/g, "any"),
      })),
  ];
}

/** References between sources lead to sources of the kind that can answer. */
function linkFindings(dataSources: readonly DataSource[]): readonly string[] {
  const uids = dataSources.map(({ uid }) => uid);
  const missing = ["prometheus", "loki", "tempo"].filter(
    (type) => !dataSources.some((source) => source.type === type),
  );
  return [
    ...missing.map((type) => `there is no data source of type ${type}`),
    ...uids
      .filter((uid, index) => uids.indexOf(uid) !== index)
      .map((uid) => `two data sources are called ${uid}`),
    ...dataSources.flatMap(({ uid, jsonData }) =>
      valuesOf(jsonData, "datasourceUid")
        .filter((target) => !uids.includes(target))
        .map((target) => `${uid} leads to ${target}, which does not exist`),
    ),
  ];
}

function unknownKeys(value: unknown, known: typeof LOKI_KEYS, path: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => unknownKeys(item, known, path));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const below = known[key];
    if (below === undefined) return [`${path}${key} is no key that is used here`];
    return below === "any" ? [] : unknownKeys(inner, below, `${path}${key}.`);
  });
}

function valuesOf(value: unknown, key: string): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === key && typeof inner === "string" ? [inner] : valuesOf(inner, key),
  );
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

function isTrue(value: unknown): boolean {
  return value === true;
}
