# What pods may ask of Azure, each the least it needs.
locals {
  workload_identities = {
    external-secrets = {
      namespace       = var.kubernetes.cloudphoenix_namespace
      service_account = "external-secrets"
      roles           = { "Key Vault Secrets User" = module.key_vault.vault_id }
    }
    controller = {
      namespace       = var.kubernetes.cloudphoenix_namespace
      service_account = "controller"
      roles           = { "Monitoring Reader" = azurerm_resource_group.this.id }
    }
    # Copies objects between the clouds and reads the hints about changed ones.
    worker = {
      namespace       = var.kubernetes.cloudphoenix_namespace
      service_account = "worker"
      roles = {
        "Storage Blob Data Contributor"        = module.documents.id
        "Storage Queue Data Message Processor" = module.documents.id
      }
    }
    # Writes receipts and reads them back.
    orders = {
      namespace       = var.kubernetes.application_namespace
      service_account = "orders"
      roles           = { "Storage Blob Data Contributor" = module.documents.id }
    }
  }
}

# Azure has no built-in role that restarts the database and nothing more.
resource "azurerm_role_definition" "controller" {
  name        = "${local.context.name}-controller"
  scope       = azurerm_resource_group.this.id
  description = "CloudPhoenix: restart the database, read and scale the node pool, switch Traffic Manager"

  permissions {
    actions = concat([
      "Microsoft.DBforPostgreSQL/flexibleServers/read",
      "Microsoft.DBforPostgreSQL/flexibleServers/restart/action",
      "Microsoft.ContainerService/managedClusters/agentPools/read",
      "Microsoft.ContainerService/managedClusters/agentPools/write",
      ], var.traffic_manager == null ? [] : [
      "Microsoft.Network/trafficManagerProfiles/externalEndpoints/read",
      "Microsoft.Network/trafficManagerProfiles/externalEndpoints/write",
      "Microsoft.Network/trafficManagerProfiles/read",
    ])
  }

  assignable_scopes = [azurerm_resource_group.this.id]
}

resource "azurerm_role_assignment" "controller" {
  scope              = azurerm_resource_group.this.id
  role_definition_id = azurerm_role_definition.controller.role_definition_resource_id
  principal_id       = module.aks.workload_principal_ids["controller"]
}
