/** What happens to data: encrypted, over TLS, and not gone by accident. */
import { given, nested, type PlannedResource } from "./planned-resource.ts";
import type { Policy } from "./policy.ts";

type Values = Readonly<Record<string, unknown>>;

/** For each type: what must be set so that its data is encrypted with a key of ours. */
const ENCRYPTED: Readonly<Record<string, (values: Values) => boolean>> = {
  aws_db_instance: (values) => values["storage_encrypted"] === true && given(values, "kms_key_id"),
  aws_sqs_queue: (values) => given(values, "kms_master_key_id"),
  aws_sns_topic: (values) => given(values, "kms_master_key_id"),
  aws_cloudwatch_log_group: (values) => given(values, "kms_key_id"),
  aws_secretsmanager_secret: (values) => given(values, "kms_key_id"),
  aws_backup_vault: (values) => given(values, "kms_key_arn"),
  aws_cloudtrail: (values) => given(values, "kms_key_id"),
  aws_eks_cluster: (values) => given(values, "encryption_config"),
  aws_launch_template: (values) => {
    const disk = nested(nested(values, "block_device_mappings"), "ebs");
    return String(disk["encrypted"]) === "true";
  },
  azurerm_postgresql_flexible_server: (values) => given(values, "customer_managed_key"),
  azurerm_storage_account: (values) => given(values, "customer_managed_key"),
  azurerm_container_registry: (values) => given(values, "encryption"),
};

/** Everything that keeps data encrypts it with a key we own. */
export const unencrypted: Policy = {
  name: "unencrypted",
  check: (resources) => [
    ...resources
      .filter(({ type, values }) => ENCRYPTED[type]?.(values) === false)
      .map(({ address }) => `${address} is not encrypted with a key of its own`),
    ...resources
      .filter(({ type }) => type === "aws_s3_bucket")
      .filter(
        ({ address }) => !hasCompanion(address, "server_side_encryption_configuration", resources),
      )
      .map(({ address }) => `${address} is not encrypted with a key of its own`),
  ],
};

/** Connections without TLS are refused. */
export const plaintext: Policy = {
  name: "plaintext",
  check: (resources) =>
    resources.flatMap(({ address, type, values }) => {
      if (type === "aws_lb_listener" && values["protocol"] === "HTTP") {
        return [`${address} serves plain HTTP`];
      }
      if (type === "azurerm_storage_account" && values["https_traffic_only_enabled"] === false) {
        return [`${address} answers plain HTTP`];
      }
      if (type === "aws_s3_bucket" && !hasCompanion(address, "policy", resources)) {
        return [`${address} has no policy that refuses connections without TLS`];
      }
      if (type === "aws_db_parameter_group" && parameter(values, "rds.force_ssl") !== "1") {
        return [`${address} does not force TLS (rds.force_ssl)`];
      }
      return [];
    }),
};

function parameter(values: Values, name: string): unknown {
  const parameters = [values["parameter"]].flat() as readonly Values[];
  return parameters.find((entry) => entry?.["name"] === name)?.["value"];
}

/** Resource beside a bucket, by the same name: `aws_s3_bucket.x` and `aws_s3_bucket_policy.x`. */
function hasCompanion(
  address: string,
  kind: string,
  resources: readonly PlannedResource[],
): boolean {
  const companion = address.replace("aws_s3_bucket.", `aws_s3_bucket_${kind}.`);
  return resources.some((resource) => resource.address === companion);
}

const PROTECTED: Readonly<Record<string, (values: Values) => boolean>> = {
  aws_db_instance: (values) =>
    values["deletion_protection"] === true && values["skip_final_snapshot"] !== true,
  aws_eks_cluster: (values) => values["deletion_protection"] === true,
  aws_lb: (values) => values["enable_deletion_protection"] === true,
  aws_s3_bucket: (values) => values["force_destroy"] !== true,
};

const LOCKED = new Set([
  "azurerm_postgresql_flexible_server",
  "azurerm_kubernetes_cluster",
  "azurerm_key_vault",
  "azurerm_storage_account",
]);

/** What production cannot lose is protected: by its own switch on AWS, by a lock in its module on Azure. */
export const unprotected: Policy = {
  name: "deletion-protection-off-in-production",
  check: (resources) =>
    resources
      .filter(({ values }) => nested(values, "tags")["environment"] === "production")
      .filter(
        ({ type, values, module }) =>
          PROTECTED[type]?.(values) === false || (LOCKED.has(type) && !isLocked(module, resources)),
      )
      .map(({ address }) => `${address} is in production and can be deleted by accident`),
};

function isLocked(module: string, resources: readonly PlannedResource[]): boolean {
  return resources.some(
    (resource) => resource.type === "azurerm_management_lock" && resource.module === module,
  );
}

/** Seven days of backups at least, fourteen in production. */
export const shortBackups: Policy = {
  name: "short-backups",
  check: (resources) =>
    resources
      .filter(({ type }) => type in RETENTION)
      .filter(({ type, values }) => {
        const production = nested(values, "tags")["environment"] === "production";
        return Number(values[RETENTION[type] ?? ""] ?? 0) < (production ? 14 : 7);
      })
      .map(({ address }) => `${address} keeps its backups too short`),
};

const RETENTION: Readonly<Record<string, string>> = {
  aws_db_instance: "backup_retention_period",
  azurerm_postgresql_flexible_server: "backup_retention_days",
};
