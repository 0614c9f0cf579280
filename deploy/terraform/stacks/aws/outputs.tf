output "vpn_tunnel_addresses" {
  description = "For the azure stack's `connectivity.peer_tunnel_addresses`."
  value       = flatten(module.connectivity[*].tunnel_addresses)
}

output "vpn_preshared_key_secret_arns" {
  description = "Where the pre-shared keys of the tunnels are kept."
  value       = flatten(module.connectivity[*].preshared_key_secret_arns)
}

output "cidr" {
  description = "For the azure stack's `network.peer_cidrs`."
  value       = module.network.cidr
}

output "entry_addresses" {
  description = "Fixed public addresses of this site."
  value       = module.alb.entry_addresses
}

output "name_servers" {
  description = "Servers to delegate the zone to, if this stack made it."
  value       = flatten(module.route53[*].name_servers)
}

output "oidc_issuer_url" {
  description = "For the other stack's `peer_oidc_issuer_url`."
  value       = module.eks.oidc_issuer_url
}

output "kubernetes" {
  description = "What the manifests of this site need: cluster, roles of service accounts, registry, target group."
  value = {
    cluster_name         = module.eks.cluster_name
    endpoint             = module.eks.endpoint
    service_account_role = module.eks.workload_role_arns
    repositories         = module.ecr.urls
    target_group_arn     = module.alb.pod_target_group_arn
    host_target_groups   = module.alb.host_target_group_arns
  }
}

output "admin_secret_arn" {
  description = "Secrets Manager entry with the password of the database's owner, to make the other roles with."
  value       = module.rds.admin_secret_arn
}

output "cloudphoenix" {
  description = <<-EOT
    What the CloudPhoenix configuration needs of this site, in its own shape; `cloudphoenix config from-terraform` makes the file of
    it. `site` is one of `sites`, `traffic` (if set) the section of that name, `agent` a vantage's agent, `keeper` the site's keeper
    without its witness, `secrets` says which secret goes into which file. Names of secrets, never values.
  EOT
  value = {
    version     = 1
    application = { name = var.application }

    site = {
      id     = module.settings.site
      cloud  = "aws"
      region = var.region
      entry = {
        address = module.alb.entry_addresses[0]
        url     = var.cloudphoenix.entry_url
      }
      database = {
        url                = "postgresql://cloudphoenix@${module.rds.address}:5432/${module.rds.database_name}?sslmode=verify-full"
        password_file      = "secrets/${module.settings.site}.database-controller"
        peer_url           = "postgresql://replicator@${module.rds.address}:5432/${module.rds.database_name}?sslmode=verify-full"
        peer_password_file = "secrets/${module.settings.site}.database-replicator"
        application_role   = var.cloudphoenix.application_role
      }
      provider = {
        kind       = "local"
        url        = var.cloudphoenix.provider_url
        token_file = "secrets/${module.settings.site}.provider-token"
      }
      objects = {
        url       = "s3://${module.documents.bucket}?region=${var.region}"
        hints_url = module.documents.event_queue_url
      }
    }

    agent = {
      url        = var.cloudphoenix.agent_url
      token_file = "secrets/${module.settings.site}.agent-token"
    }

    # All that a keeper needs but the way to the witness, which stands outside both clouds.
    keeper = {
      database_url           = "postgresql://agent@${module.rds.address}:5432/${module.rds.database_name}?sslmode=verify-full"
      database_password_file = "secrets/${module.settings.site}.keeper-database"
      peer_url               = var.cloudphoenix.agent_url
      peer_token_file        = "secrets/${module.settings.site}.agent-token"
    }

    traffic = var.cloudphoenix.traffic == null ? null : {
      kind   = "rfc2136"
      server = var.cloudphoenix.traffic.server
      zone   = var.cloudphoenix.traffic.zone
      name   = var.cloudphoenix.traffic.name
      ttl    = "${var.cloudphoenix.traffic.ttl_seconds}s"
      port   = 443
      tsig   = { name = var.cloudphoenix.traffic.tsig_name, algorithm = "hmac-sha256", secret_file = "secrets/tsig" }
    }

    posture = var.posture

    secrets = {
      store = "aws-secrets-manager"
      files = merge(
        { for name in keys(local.site_secrets) : "secrets/${module.settings.site}.${name}" => module.secrets.names[name] },
        { for name in keys(local.shared_secrets) : "secrets/${replace(name, "outside-", "outside.")}" => module.secrets.names[name] },
      )
    }

    # What is known of the site beyond the configuration of today: for alarms, drills and adapters.
    cloud = {
      cluster_name      = module.eks.cluster_name
      database          = module.rds.identifier
      entry_addresses   = module.alb.entry_addresses
      bucket            = module.documents.bucket
      event_queue_url   = module.documents.event_queue_url
      alarm_names       = module.alarms.alarm_names
      health_check_ids  = merge(module.route53[*].health_check_ids...)
      backup_vault_name = module.backup.vault_name
    }
  }
}
