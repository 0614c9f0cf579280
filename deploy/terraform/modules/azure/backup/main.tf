# Replication copies mistakes as fast as orders; only a backup brings back yesterday. In production the vault is
# immutable (unlocked: an owner may still loosen it, which the activity log shows) and soft delete stays on.
resource "azurerm_data_protection_backup_vault" "this" {
  name                       = var.context.name
  location                   = var.context.region
  resource_group_name        = var.resource_group_name
  datastore_type             = "VaultStore"
  redundancy                 = var.redundancy
  soft_delete                = var.context.protection.deletion_protection ? "AlwaysOn" : "On"
  retention_duration_in_days = 14
  immutability               = var.context.environment == "production" ? "Unlocked" : "Disabled"
  tags                       = var.context.tags

  identity {
    type = "SystemAssigned"
  }
}

locals {
  grants = {
    database = { scope = var.postgresql_server_id, role = "PostgreSQL Flexible Server Long Term Retention Backup Role" }
    group    = { scope = var.resource_group_id, role = "Reader" }
    storage  = { scope = var.storage.account_id, role = "Storage Account Backup Contributor" }
  }
}

resource "azurerm_role_assignment" "this" {
  for_each = local.grants

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_data_protection_backup_vault.this.identity[0].principal_id
}

resource "azurerm_data_protection_backup_policy_postgresql_flexible_server" "this" {
  name                            = "weekly"
  vault_id                        = azurerm_data_protection_backup_vault.this.id
  backup_repeating_time_intervals = ["R/2026-01-04T04:00:00+00:00/P1W"]
  time_zone                       = "UTC"

  default_retention_rule {
    life_cycle {
      data_store_type = "VaultStore"
      duration        = "P${var.monthly_retention_days}D"
    }
  }
}

resource "azurerm_data_protection_backup_instance_postgresql_flexible_server" "this" {
  name             = "${var.context.name}-database"
  location         = var.context.region
  vault_id         = azurerm_data_protection_backup_vault.this.id
  server_id        = var.postgresql_server_id
  backup_policy_id = azurerm_data_protection_backup_policy_postgresql_flexible_server.this.id

  depends_on = [azurerm_role_assignment.this]
}

resource "azurerm_data_protection_backup_policy_blob_storage" "this" {
  name                                   = "daily"
  vault_id                               = azurerm_data_protection_backup_vault.this.id
  backup_repeating_time_intervals        = ["R/2026-01-01T04:00:00+00:00/P1D"]
  operational_default_retention_duration = "P${var.context.protection.backup_retention_days}D"
  vault_default_retention_duration       = "P${var.monthly_retention_days}D"
  time_zone                              = "UTC"
}

resource "azurerm_data_protection_backup_instance_blob_storage" "this" {
  name                            = "${var.context.name}-blobs"
  location                        = var.context.region
  vault_id                        = azurerm_data_protection_backup_vault.this.id
  storage_account_id              = var.storage.account_id
  storage_account_container_names = var.storage.containers
  backup_policy_id                = azurerm_data_protection_backup_policy_blob_storage.this.id

  depends_on = [azurerm_role_assignment.this]
}
