output "vpn_gateway_addresses" {
  description = "For the aws stack's `connectivity.peer_gateway_addresses`."
  value       = flatten(module.connectivity[*].gateway_addresses)
}

output "postgresql_domains" {
  description = "For the aws stack's `connectivity.peer_dns.domains`."
  value       = module.network.postgresql_domains
}

output "storage_domains" {
  description = "Names of the object store and its queue; for the aws stack's `connectivity.peer_dns.domains`, if a worker runs there."
  value       = [for service in ["blob", "queue"] : "${module.documents.name}.${service}.core.windows.net"]
}

output "resolver_address" {
  description = "For the aws stack's `connectivity.peer_dns.resolver_addresses`; null without a resolver."
  value       = module.network.resolver_address
}

output "cidr" {
  description = "For the aws stack's `network.peer_cidrs`."
  value       = module.network.cidr
}

output "entry_addresses" {
  description = "Fixed public addresses of this site; the aws stack's `dns.secondary_addresses`."
  value       = [module.aks.entry_address]
}

output "oidc_issuer_url" {
  description = "For the other stack's `peer_oidc_issuer_url`."
  value       = module.aks.oidc_issuer_url
}

output "kubernetes" {
  description = "What the manifests of this site need: cluster, identities of service accounts, registry, entry address."
  value = {
    cluster_name       = module.aks.cluster_name
    client_ids         = module.aks.workload_client_ids
    tenant_id          = var.tenant_id
    vault_url          = module.key_vault.vault_url
    registry           = module.acr.login_server
    entry_address_name = module.aks.entry_address_name
  }
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
      cloud  = "azure"
      region = var.region
      entry = {
        address = module.aks.entry_address
        url     = var.cloudphoenix.entry_url
      }
      database = {
        url                = "postgresql://cloudphoenix@${module.postgresql.address}:5432/${module.postgresql.database_name}?sslmode=verify-full"
        password_file      = "secrets/${module.settings.site}.database-controller"
        peer_url           = "postgresql://replicator@${module.postgresql.address}:5432/${module.postgresql.database_name}?sslmode=verify-full"
        peer_password_file = "secrets/${module.settings.site}.database-replicator"
        application_role   = var.cloudphoenix.application_role
      }
      provider = {
        kind       = "local"
        url        = var.cloudphoenix.provider_url
        token_file = "secrets/${module.settings.site}.provider-token"
      }
      objects = {
        url       = "azblob://${module.documents.name}/documents"
        hints_url = module.documents.event_queue_url
      }
    }

    agent = {
      url        = var.cloudphoenix.agent_url
      token_file = "secrets/${module.settings.site}.agent-token"
    }

    # All that a keeper needs but the way to the witness, which stands outside both clouds.
    keeper = {
      database_url           = "postgresql://agent@${module.postgresql.address}:5432/${module.postgresql.database_name}?sslmode=verify-full"
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
      store = "azure-key-vault"
      files = merge(
        { for name in keys(local.site_secrets) : "secrets/${module.settings.site}.${name}" => name },
        { for name in keys(local.shared_secrets) : "secrets/${replace(name, "outside-", "outside.")}" => name },
      )
    }

    # What is known of the site beyond the configuration of today: for alarms, drills and adapters.
    cloud = {
      cluster_name       = module.aks.cluster_name
      database           = module.postgresql.id
      entry_addresses    = [module.aks.entry_address]
      storage_account    = module.documents.name
      vault_url          = module.key_vault.vault_url
      traffic_profile_id = one(module.traffic_manager[*].profile_id)
      backup_vault_id    = module.backup.vault_id
    }
  }
}
