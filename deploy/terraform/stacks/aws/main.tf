module "settings" {
  source = "../../modules/settings"

  application         = var.application
  environment         = var.environment
  cloud               = "aws"
  region              = var.region
  owner               = var.owner
  cost_center         = var.cost_center
  data_classification = var.data_classification
  extra_tags          = var.extra_tags
}

locals {
  context  = module.settings.context
  capacity = var.posture == "active" ? var.capacity.active : var.capacity.standby
}

module "kms" {
  source = "../../modules/aws/kms"

  context    = local.context
  account_id = var.account_id
}

module "network" {
  source = "../../modules/aws/network"

  context             = local.context
  cidr                = var.network.cidr
  peer_cidrs          = var.network.peer_cidrs
  availability_zones  = var.network.availability_zones
  nat_gateways        = var.network.nat_gateways
  interface_endpoints = var.network.interface_endpoints
  log_key_arn         = module.kms.key_arns["logs"]
}

module "connectivity" {
  source = "../../modules/aws/connectivity"
  count  = var.connectivity == null ? 0 : 1

  context                = local.context
  vpc_id                 = module.network.vpc_id
  route_table_ids        = module.network.private_route_table_ids
  peer_gateway_addresses = var.connectivity.peer_gateway_addresses
  peer_cidrs             = var.network.peer_cidrs
  log_key_arn            = module.kms.key_arns["logs"]
  peer_dns               = var.connectivity.peer_dns == null ? null : merge(var.connectivity.peer_dns, { subnet_ids = module.network.node_subnet_ids })
}

module "eks" {
  source = "../../modules/aws/eks"

  context             = local.context
  account_id          = var.account_id
  kubernetes_version  = var.kubernetes.version
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.node_subnet_ids
  public_access_cidrs = var.kubernetes.public_access_cidrs
  admin_role_arns     = var.kubernetes.admin_role_arns
  nodes               = local.capacity.nodes
  workload_identities = local.workload_identities
  peer_trust          = var.peer_oidc_issuer_url == null ? null : { issuer_url = var.peer_oidc_issuer_url, identities = ["worker"] }
  key_arns            = { cluster = module.kms.key_arns["cluster"], logs = module.kms.key_arns["logs"] }
}

module "rds" {
  source = "../../modules/aws/rds"

  context             = local.context
  vpc_id              = module.network.vpc_id
  subnet_group_name   = module.network.database_subnet_group_name
  engine_version      = var.database.engine_version
  peer_engine_version = var.database.peer_engine_version
  database_name       = var.database.name
  instance            = local.capacity.database
  clients = {
    security_group_ids = { nodes = module.eks.node_security_group_id }
    peer_cidrs         = { for index, cidr in var.network.peer_cidrs : "peer-${index}" => cidr }
  }
  key_arns = { database = module.kms.key_arns["database"], secrets = module.kms.key_arns["secrets"], logs = module.kms.key_arns["logs"] }
}

module "documents" {
  source = "../../modules/aws/s3"

  context    = local.context
  account_id = var.account_id
  purpose    = "documents"
  key_arn    = module.kms.key_arns["storage"]
}

module "ecr" {
  source = "../../modules/aws/ecr"

  context = local.context
  key_arn = module.kms.key_arns["storage"]
}

module "secrets" {
  source = "../../modules/aws/secrets"

  context    = local.context
  account_id = var.account_id
  key_arn    = module.kms.key_arns["secrets"]
  secrets    = { for name, opens in local.secrets : name => { description = opens } }
}

module "alb" {
  source = "../../modules/aws/alb"

  context           = local.context
  vpc_id            = module.network.vpc_id
  vpc_cidr          = module.network.cidr
  public_subnet_ids = module.network.public_subnet_ids
  certificate_arn   = var.entry.certificate_arn
  access_log_bucket = var.entry.access_log_bucket
  hosts             = var.entry.hosts
  public_paths      = var.entry.public_paths
}

# Pods take connections from the load balancer and from nothing else outside their own group.
resource "aws_vpc_security_group_ingress_rule" "pods" {
  security_group_id            = module.eks.node_security_group_id
  description                  = "The load balancer"
  referenced_security_group_id = module.alb.security_group_id
  from_port                    = 8080
  to_port                      = 8080
  ip_protocol                  = "tcp"
  tags                         = local.context.tags
}

module "waf" {
  source = "../../modules/aws/waf"

  context                   = local.context
  load_balancer_arn         = module.alb.arn
  requests_per_five_minutes = var.entry.requests_per_five_minutes
  log_key_arn               = module.kms.key_arns["logs"]
}

module "route53" {
  source = "../../modules/aws/route53"
  count  = var.dns == null ? 0 : 1

  context     = local.context
  zone_name   = var.dns.zone_name
  create_zone = var.dns.create_zone
  record_name = var.entry.host
  ttl_seconds = var.dns.ttl_seconds
  switch_url  = var.dns.switch_url
  sites = {
    primary   = { addresses = module.alb.entry_addresses, health_host = var.entry.host }
    secondary = { addresses = var.dns.secondary_addresses, health_host = var.entry.host }
  }
}

module "alarms" {
  source = "../../modules/aws/alarms"

  context                 = local.context
  alert_endpoints         = { mail = var.alert_mail }
  key_arn                 = module.kms.key_arns["storage"]
  database                = { identifier = module.rds.identifier, storage_gib = local.capacity.database.storage_gib }
  entry                   = { load_balancer = module.alb.arn_suffix, target_group = module.alb.pod_target_group_arn_suffix }
  dead_letter_queue_names = { documents = module.documents.dead_letter_queue_name }
  vpn_connection_ids      = var.connectivity == null ? {} : module.connectivity[0].connection_ids
}

module "backup" {
  source = "../../modules/aws/backup"

  context        = local.context
  key_arn        = module.kms.key_arns["backup"]
  copy_vault_arn = var.backup_copy_vault_arn
}
