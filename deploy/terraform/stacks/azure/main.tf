module "settings" {
  source = "../../modules/settings"

  application         = var.application
  environment         = var.environment
  cloud               = "azure"
  region              = var.region
  owner               = var.owner
  cost_center         = var.cost_center
  data_classification = var.data_classification
  extra_tags          = var.extra_tags
}

locals {
  context       = module.settings.context
  capacity      = var.posture == "active" ? var.capacity.active : var.capacity.standby
  unique_suffix = substr(sha1("${var.subscription_id}/${local.context.name}/${var.region}"), 0, 5)
  group         = azurerm_resource_group.this.name
  endpoint_for  = { for service in ["blob", "vault", "registry"] : service => { subnet_id = module.network.subnet_ids["endpoint"], private_zone_id = module.network.private_zone_ids[service] } }
}

resource "azurerm_resource_group" "this" {
  name     = local.context.name
  location = var.region
  tags     = local.context.tags
}

module "network" {
  source = "../../modules/azure/network"

  context             = local.context
  resource_group_name = local.group
  cidr                = var.network.cidr
  peer_cidrs          = var.network.peer_cidrs
  dns_resolver        = var.network.dns_resolver
}

module "connectivity" {
  source = "../../modules/azure/connectivity"
  count  = var.connectivity == null ? 0 : 1

  context               = local.context
  resource_group_name   = local.group
  gateway_subnet_id     = module.network.subnet_ids["gateway"]
  gateway_sku           = var.connectivity.gateway_sku
  peer_cidrs            = var.network.peer_cidrs
  peer_tunnel_addresses = var.connectivity.peer_tunnel_addresses
  preshared_keys        = var.preshared_keys
}

module "log_analytics" {
  source = "../../modules/azure/log-analytics"

  context             = local.context
  resource_group_name = local.group
  alert_mail          = var.alert_mail
}

module "key_vault" {
  source = "../../modules/azure/key-vault"

  context             = local.context
  resource_group_name = local.group
  tenant_id           = var.tenant_id
  unique_suffix       = local.unique_suffix
  endpoint            = local.endpoint_for["vault"]
  log_workspace_id    = module.log_analytics.workspace_id
}

module "aks" {
  source = "../../modules/azure/aks"

  context                = local.context
  resource_group_name    = local.group
  kubernetes_version     = var.kubernetes.version
  tenant_id              = var.tenant_id
  subnet_id              = module.network.subnet_ids["node"]
  virtual_network_id     = module.network.virtual_network_id
  admin_group_object_ids = var.kubernetes.admin_group_object_ids
  nodes                  = local.capacity.nodes
  workload_identities    = local.workload_identities
  peer_trust             = var.peer_oidc_issuer_url == null ? null : { issuer_url = var.peer_oidc_issuer_url, identities = ["worker"] }
  log_workspace_id       = module.log_analytics.workspace_id
}

module "acr" {
  source = "../../modules/azure/acr"

  context              = local.context
  resource_group_name  = local.group
  unique_suffix        = local.unique_suffix
  endpoint             = local.endpoint_for["registry"]
  encryption           = module.key_vault.encryption["registry"]
  replica_regions      = var.registry_replica_regions
  reader_principal_ids = { kubelet = module.aks.kubelet_principal_id }
  log_workspace_id     = module.log_analytics.workspace_id
}

module "postgresql" {
  source = "../../modules/azure/postgresql"

  context              = local.context
  resource_group_name  = local.group
  engine_version       = var.database.engine_version
  peer_engine_version  = var.database.peer_engine_version
  database_name        = var.database.name
  instance             = local.capacity.database
  geo_redundant_backup = var.database.geo_redundant_backup
  network              = { subnet_id = module.network.subnet_ids["database"], private_zone_id = module.network.private_zone_ids["postgresql"] }
  encryption           = module.key_vault.encryption["database"]
  administrator        = { tenant_id = var.tenant_id, object_id = var.database.admin_group_id, group_name = var.database.admin_group_name }
  password             = var.database_password
  log_workspace_id     = module.log_analytics.workspace_id
  action_group_id      = module.log_analytics.action_group_id

  # The private DNS zone must be linked before the server writes its name into it.
  depends_on = [module.network]
}

module "documents" {
  source = "../../modules/azure/storage"

  context             = local.context
  resource_group_name = local.group
  unique_suffix       = local.unique_suffix
  containers          = ["documents"]
  replication         = local.context.protection.multi_zone ? "ZRS" : "LRS"
  endpoint            = merge(local.endpoint_for["blob"], { queue_zone_id = module.network.private_zone_ids["queue"] })
  encryption          = module.key_vault.encryption["storage"]
}

module "backup" {
  source = "../../modules/azure/backup"

  context              = local.context
  resource_group_name  = local.group
  resource_group_id    = azurerm_resource_group.this.id
  postgresql_server_id = module.postgresql.id
  storage              = { account_id = module.documents.id, containers = module.documents.container_names }
}

module "traffic_manager" {
  source = "../../modules/azure/traffic-manager"
  count  = var.traffic_manager == null ? 0 : 1

  context             = local.context
  resource_group_name = local.group
  relative_name       = var.traffic_manager.relative_name
  ttl_seconds         = var.traffic_manager.ttl_seconds
  host                = var.entry.host
  log_workspace_id    = module.log_analytics.workspace_id
  active_site         = var.posture == "active" ? module.settings.site : var.traffic_manager.peer.site
  sites = {
    (module.settings.site)          = { target = module.aks.entry_address, priority = var.posture == "active" ? 1 : 2 }
    (var.traffic_manager.peer.site) = { target = var.traffic_manager.peer.address, priority = var.posture == "active" ? 2 : 1 }
  }
}
