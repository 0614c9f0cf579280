/** Mistakes in how logs and traces are collected, kept and linked. */
import type { LokiConfiguration } from "../files.ts";
import { inAlloy, inBoard, type Mistake } from "./mistake.ts";

function inLoki(section: string, change: Readonly<Record<string, unknown>>): Mistake["plant"] {
  return (files) => {
    const loki: LokiConfiguration = {
      ...files.loki,
      [section]: { ...files.loki[section], ...change },
    };
    return { ...files, loki };
  };
}

export const logMistakes: readonly Mistake[] = [
  { policy: "alloy", what: "a missing brace", plant: inAlloy("clustering {", "clustering") },
  {
    policy: "alloy",
    what: "a missing comma",
    plant: inAlloy('level = "unknown",', 'level = "unknown"'),
  },
  {
    policy: "alloy",
    what: "a reference to a component that does not exist",
    plant: inAlloy("loki.write.logs.receiver", "loki.write.log.receiver"),
  },
  {
    policy: "alloy",
    what: "a reference to something a component does not export",
    plant: inAlloy("discovery.relabel.pods.output", "discovery.relabel.pods.targets"),
  },
  {
    policy: "alloy",
    what: "a component nobody uses",
    plant: inAlloy(
      "targets    = discovery.relabel.pods.output",
      "targets    = discovery.kubernetes.pods.targets",
    ),
  },
  { policy: "alloy", what: "a misspelt argument", plant: inAlloy("tenant_id", "tenantid") },
  {
    policy: "alloy",
    what: "a misspelt component",
    plant: inAlloy('loki.write "', 'loki.writes "'),
  },
  {
    policy: "alloy",
    what: "a component without what it must have",
    plant: inAlloy('check_interval = "1s"\n', ""),
  },
  {
    policy: "log-labels",
    what: "a stream for every request",
    plant: inAlloy('["app", "level"]', '["app", "level", "request_id"]'),
  },
  {
    policy: "log-labels",
    what: "nothing that keeps labels few",
    plant: inAlloy("stage.label_keep", "stage.label_drop"),
  },
  {
    policy: "log-queries",
    what: "a panel that chooses streams by a label they do not have",
    plant: inBoard("services.json", "{app=~", "{service=~"),
  },
  {
    policy: "log-queries",
    what: "a link that asks for a field lines do not have",
    plant: inAlloy('request_id = "request_id",', ""),
  },
  {
    policy: "log-queries",
    what: "a log alert that nothing understands",
    plant: (files) => ({
      ...files,
      logAlerts: files.logAlerts.map((alert) => ({ ...alert, expr: 'sum({app="x"}' })),
    }),
  },
  {
    policy: "log-queries",
    what: "a query of the guide with a label streams do not have",
    plant: (files) => ({ ...files, guide: files.guide.replace("{app=~", "{app=~`x`, pod=~") }),
  },
  {
    policy: "loki-keys",
    what: "a misspelt key",
    plant: inLoki("limits_config", { retention_periode: "744h" }),
  },
  {
    policy: "loki-keeps",
    what: "logs that nobody deletes",
    plant: inLoki("compactor", { retention_enabled: false }),
  },
  {
    policy: "loki-keeps",
    what: "logs on a disk that dies with the site",
    plant: inLoki("schema_config", { configs: [{ object_store: "filesystem", schema: "v13" }] }),
  },
  {
    policy: "loki-keeps",
    what: "a schema that cannot keep request ids",
    plant: inLoki("schema_config", { configs: [{ object_store: "s3", schema: "v12" }] }),
  },
  {
    policy: "datasource-links",
    what: "a link to a data source that does not exist",
    plant: (files) => ({
      ...files,
      dataSources: files.dataSources.filter(({ type }) => type !== "tempo"),
    }),
  },
];
