mock_provider "azurerm" {
  mock_resource "azurerm_data_protection_backup_vault" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.DataProtection/backupVaults/shop-prod" }
  }
}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "westeurope"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  resource_group_name  = "shop-prod"
  resource_group_id    = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod"
  postgresql_server_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.DBforPostgreSQL/flexibleServers/shop-prod"
  storage              = { account_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.Storage/storageAccounts/shop", containers = ["documents"] }
}

run "production_backups_are_immutable_and_survive_a_zone" {
  command = plan

  assert {
    condition     = azurerm_data_protection_backup_vault.this.immutability == "Unlocked" && azurerm_data_protection_backup_vault.this.soft_delete == "AlwaysOn" && azurerm_data_protection_backup_vault.this.redundancy == "ZoneRedundant"
    error_message = "Nobody deletes a backup quietly."
  }

  assert {
    condition     = azurerm_data_protection_backup_policy_blob_storage.this.operational_default_retention_duration == "P35D"
    error_message = "Retention follows the environment."
  }
}

run "the_vault_has_three_small_roles" {
  command = plan

  assert {
    condition     = length(azurerm_role_assignment.this) == 3 && alltrue([for grant in azurerm_role_assignment.this : !contains(["Owner", "Contributor"], grant.role_definition_name)])
    error_message = "It reads what it must back up and nothing else."
  }
}

run "refuses_monthly_backups_kept_a_month" {
  command = plan
  variables {
    monthly_retention_days = 30
  }
  expect_failures = [var.monthly_retention_days]
}

run "refuses_unknown_redundancy" {
  command = plan
  variables {
    redundancy = "RAID1"
  }
  expect_failures = [var.redundancy]
}

run "refuses_one_copy_in_production" {
  command = plan
  variables {
    redundancy = "LocallyRedundant"
  }
  expect_failures = [var.redundancy]
}

run "refuses_storage_without_containers" {
  command = plan
  variables {
    storage = { account_id = "a", containers = [] }
  }
  expect_failures = [var.storage]
}

