/** Who gets in. */
import { given, nested, type PlannedResource } from "./planned-resource.ts";
import type { Policy } from "./policy.ts";

const WORLD = new Set(["0.0.0.0/0", "::/0", "*", "Internet", "Any"]);

/** Only HTTPS is open to the world, and on AWS only where the rule says so itself. */
export const openToTheWorld: Policy = {
  name: "open-to-the-world",
  check: (resources) =>
    resources.flatMap(({ address, type, values }) => {
      if (type === "aws_vpc_security_group_ingress_rule") {
        const open =
          WORLD.has(String(values["cidr_ipv4"])) || WORLD.has(String(values["cidr_ipv6"]));
        const https = values["from_port"] === 443 && values["to_port"] === 443;
        const declared = nested(values, "tags")["exposure"] === "public-https";
        return open && !(https && declared)
          ? [
              `${address} is open to the world; only port 443 with the tag exposure=public-https may be`,
            ]
          : [];
      }
      if (type === "azurerm_network_security_rule") {
        return isOpenAzureRule(values)
          ? [`${address} is open to the world; only port 443 may be`]
          : [];
      }
      return [];
    }),
};

function isOpenAzureRule(values: Readonly<Record<string, unknown>>): boolean {
  const sources = [values["source_address_prefix"], values["source_address_prefixes"]].flat();
  const inbound = values["direction"] === "Inbound" && values["access"] === "Allow";
  const https = values["destination_port_range"] === "443" && values["protocol"] === "Tcp";
  return inbound && sources.some((source) => WORLD.has(String(source))) && !https;
}

/** Rules are resources of their own with a description; inline ones fight with them. */
export const inlineRules: Policy = {
  name: "inline-security-group-rules",
  check: (resources) =>
    resources
      .filter(
        ({ type }) => type === "aws_security_group" || type === "azurerm_network_security_group",
      )
      .filter(({ values }) =>
        ["ingress", "egress", "security_rule"].some(
          (name) => Array.isArray(values[name]) && values[name].length > 0,
        ),
      )
      .map(({ address }) => `${address} has rules inline; use one resource for each rule`),
};

/** A database is not reached from the internet, nor a Kubernetes API, vault, registry or storage account in production. */
export const publicDatabase: Policy = {
  name: "public-endpoint",
  check: (resources) =>
    resources.flatMap(({ address, type, values }) => {
      if (type === "aws_db_instance" && values["publicly_accessible"] === true) {
        return [`${address} is a public database`];
      }
      if (
        type === "azurerm_postgresql_flexible_server" &&
        values["public_network_access_enabled"] !== false
      ) {
        return [`${address} is a public database; set public_network_access_enabled = false`];
      }
      if (type === "aws_eks_cluster" && isPublicApi(values)) {
        return [`${address} has a Kubernetes API open to the world`];
      }
      if (type === "azurerm_kubernetes_cluster" && values["private_cluster_enabled"] !== true) {
        return [`${address} has a public Kubernetes API`];
      }
      return [];
    }),
};

function isPublicApi(values: Readonly<Record<string, unknown>>): boolean {
  const network = nested(values, "vpc_config");
  const from = [network["public_access_cidrs"]].flat().map(String);
  return (
    network["endpoint_public_access"] === true &&
    (!given(network, "public_access_cidrs") || from.some((cidr) => WORLD.has(cidr)))
  );
}

/** Every bucket of a plan has a full public access block beside it; storage accounts and containers are private. */
export const publicBucket: Policy = {
  name: "public-bucket",
  check: (resources) =>
    resources.flatMap((resource) => {
      const { address, type, values } = resource;
      if (type === "aws_s3_bucket" && !isBlocked(resource, resources)) {
        return [`${address} has no complete aws_s3_bucket_public_access_block`];
      }
      if (
        type === "azurerm_storage_account" &&
        values["allow_nested_items_to_be_public"] !== false
      ) {
        return [
          `${address} may have public containers; set allow_nested_items_to_be_public = false`,
        ];
      }
      if (
        type === "azurerm_storage_container" &&
        !["private", null, undefined].includes(values["container_access_type"] as string)
      ) {
        return [`${address} is public`];
      }
      return [];
    }),
};

function isBlocked(bucket: PlannedResource, resources: readonly PlannedResource[]): boolean {
  const name = bucket.address.replace("aws_s3_bucket.", "aws_s3_bucket_public_access_block.");
  const block = resources.find(({ address }) => address === name);
  const switches = [
    "block_public_acls",
    "block_public_policy",
    "ignore_public_acls",
    "restrict_public_buckets",
  ];
  return block !== undefined && switches.every((name_) => block.values[name_] === true);
}
