/**
 * Keys of Loki's configuration that are used here, from its reference (release 3). A key that is not
 * here is refused: Loki does not start with one it does not know, and nothing else says so offline.
 * @see https://grafana.com/docs/loki/latest/configure/
 */
interface Keys {
  readonly [key: string]: Keys | "any";
}

const RING: Keys = { kvstore: { store: "any" } };

/** Keys, with blanks between them, that hold a value. */
function anyOf(names: string): Keys {
  return Object.fromEntries(names.split(" ").map((name) => [name, "any" as const]));
}

export const LOKI_KEYS: Keys = {
  auth_enabled: "any",
  server: anyOf("http_listen_port grpc_listen_port log_level"),
  common: { ...anyOf("path_prefix replication_factor"), ring: RING },
  memberlist: anyOf("join_members"),
  schema_config: {
    configs: {
      ...anyOf("from store object_store schema"),
      index: anyOf("prefix period"),
    },
  },
  storage_config: {
    tsdb_shipper: anyOf("active_index_directory cache_location"),
    aws: anyOf("bucketnames region"),
    azure: anyOf("account_name container_name use_federated_token use_managed_identity"),
  },
  ingester: {
    ...anyOf("chunk_encoding chunk_idle_period max_chunk_age"),
    wal: anyOf("enabled dir flush_on_shutdown"),
  },
  compactor: anyOf(
    "working_directory retention_enabled retention_delete_delay delete_request_store",
  ),
  limits_config: anyOf(
    "retention_period max_label_names_per_series max_global_streams_per_user discover_service_name discover_log_levels allow_structured_metadata max_structured_metadata_entries_count ingestion_rate_mb ingestion_burst_size_mb per_stream_rate_limit per_stream_rate_limit_burst max_line_size max_line_size_truncate reject_old_samples reject_old_samples_max_age max_query_length max_query_series max_entries_limit_per_query query_timeout",
  ),
  ruler: {
    ...anyOf("rule_path alertmanager_url enable_alertmanager_v2 enable_sharding"),
    external_labels: "any",
    storage: { type: "any", local: anyOf("directory") },
    ring: RING,
  },
  analytics: anyOf("reporting_enabled"),
};
