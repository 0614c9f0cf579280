/**
 * What the components of Alloy that are used here take and give, from its reference (release 1.12).
 * A component that is not here is refused: whoever needs one writes it down first.
 * @see https://grafana.com/docs/alloy/latest/reference/components/
 */

/** A block: what it may hold, and what it must. */
export interface BlockShape {
  readonly required?: readonly string[];
  readonly optional?: readonly string[];
  readonly blocks?: Readonly<Record<string, BlockShape>>;
  /** Blocks it must hold. */
  readonly needs?: readonly string[];
}

/** A component: also what others may refer to. */
export interface ComponentShape extends BlockShape {
  readonly exports: readonly string[];
  /** Nobody has to refer to it: it ends or begins a pipeline. */
  readonly isEnd?: boolean;
}

const VALUES: BlockShape = { required: ["values"] };
const OTELCOL_OUTPUT: BlockShape = { optional: ["metrics", "logs", "traces"] };
const TLS: BlockShape = {
  optional: ["ca_file", "cert_file", "key_file", "insecure", "insecure_skip_verify", "server_name"],
};

/** By the name of the component; `logging` is a block of the program itself. */
export const COMPONENTS: Readonly<Record<string, ComponentShape>> = {
  logging: { optional: ["level", "format", "write_to"], exports: [], isEnd: true },
  "discovery.kubernetes": {
    required: ["role"],
    optional: ["api_server", "kubeconfig_file"],
    blocks: {
      namespaces: { optional: ["names", "own_namespace"] },
      selectors: { required: ["role"], optional: ["label", "field"] },
    },
    exports: ["targets"],
  },
  "discovery.relabel": {
    required: ["targets"],
    blocks: {
      rule: {
        optional: "source_labels target_label regex replacement separator action modulus".split(
          " ",
        ),
      },
    },
    exports: ["output", "rules"],
  },
  "loki.source.kubernetes": {
    required: ["targets", "forward_to"],
    blocks: { clustering: { required: ["enabled"] } },
    exports: [],
    isEnd: true,
  },
  "loki.process": {
    required: ["forward_to"],
    blocks: {
      "stage.static_labels": VALUES,
      "stage.json": { required: ["expressions"], optional: ["source", "drop_malformed"] },
      "stage.timestamp": {
        required: ["source", "format"],
        optional: ["fallback_formats", "location", "action_on_failure"],
      },
      "stage.labels": VALUES,
      "stage.structured_metadata": { optional: ["values", "regex"] },
      "stage.label_keep": VALUES,
      "stage.label_drop": VALUES,
    },
    exports: ["receiver"],
  },
  "loki.write": {
    optional: ["external_labels", "max_streams"],
    blocks: {
      endpoint: {
        required: ["url"],
        optional:
          "name tenant_id bearer_token_file headers remote_timeout batch_wait batch_size min_backoff_period max_backoff_period max_backoff_retries retry_on_http_429".split(
            " ",
          ),
        blocks: {
          tls_config: { optional: ["ca_file", "cert_file", "key_file", "server_name"] },
        },
      },
    },
    needs: ["endpoint"],
    exports: ["receiver"],
  },
  "otelcol.receiver.otlp": {
    blocks: {
      grpc: { optional: ["endpoint"], blocks: { tls: TLS } },
      http: { optional: ["endpoint"], blocks: { tls: TLS } },
      output: OTELCOL_OUTPUT,
    },
    needs: ["output"],
    exports: [],
    isEnd: true,
  },
  "otelcol.processor.memory_limiter": {
    required: ["check_interval"],
    optional: ["limit", "spike_limit", "limit_percentage", "spike_limit_percentage"],
    blocks: { output: OTELCOL_OUTPUT },
    needs: ["output"],
    exports: ["input"],
  },
  "otelcol.processor.batch": {
    optional: ["timeout", "send_batch_size", "send_batch_max_size"],
    blocks: { output: OTELCOL_OUTPUT },
    needs: ["output"],
    exports: ["input"],
  },
  "otelcol.exporter.otlphttp": {
    blocks: {
      client: {
        required: ["endpoint"],
        optional: ["auth", "headers", "timeout"],
        blocks: { tls: TLS },
      },
      sending_queue: { optional: ["enabled", "num_consumers", "queue_size"] },
      retry_on_failure: { optional: ["enabled", "initial_interval", "max_interval"] },
    },
    needs: ["client"],
    exports: ["input"],
  },
};
