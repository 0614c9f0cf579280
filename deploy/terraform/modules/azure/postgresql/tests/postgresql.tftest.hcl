mock_provider "azurerm" {
  mock_resource "azurerm_postgresql_flexible_server" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.DBforPostgreSQL/flexibleServers/shop-prod" }
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
  resource_group_name = "shop-prod"
  engine_version      = 17
  instance            = { sku = "GP_Standard_D2ads_v5", storage_mib = 131072 }
  network             = { subnet_id = "subnet", private_zone_id = "zone" }
  encryption          = { key_id = "https://shop.vault.azure.net/keys/database", identity_id = "identity" }
  administrator       = { tenant_id = "11111111-1111-1111-1111-111111111111", object_id = "22222222-2222-2222-2222-222222222222", group_name = "dba" }
  password            = { value = "only-for-this-test-0123456789", version = 1 }
  log_workspace_id    = "workspace"
  action_group_id     = "group"
}

run "production_is_redundant_private_and_locked" {
  command = plan

  assert {
    condition     = azurerm_postgresql_flexible_server.this.high_availability[0].mode == "ZoneRedundant" && !azurerm_postgresql_flexible_server.this.public_network_access_enabled
    error_message = "A standby in another zone; no public network."
  }

  assert {
    condition     = azurerm_postgresql_flexible_server.this.backup_retention_days == 35 && length(azurerm_management_lock.this) == 1
    error_message = "Backups follow the environment; the server is locked."
  }
}

run "it_can_subscribe_and_publish_over_tls_only" {
  command = plan

  assert {
    condition     = azurerm_postgresql_flexible_server_configuration.this["wal_level"].value == "logical" && azurerm_postgresql_flexible_server_configuration.this["require_secure_transport"].value == "on"
    error_message = "Logical replication is on, connections without TLS are refused."
  }
}

run "the_password_is_not_kept" {
  command = apply

  assert {
    condition     = azurerm_postgresql_flexible_server.this.administrator_password_wo == null && azurerm_postgresql_flexible_server.this.administrator_password == null
    error_message = "The state has no password."
  }
}

run "development_is_small_and_removable" {
  command = plan
  variables {
    instance = { sku = "B_Standard_B2ms", storage_mib = 32768 }
    context = {
      name        = "shop-dev"
      environment = "development"
      region      = "westeurope"
      tags        = { application = "shop", environment = "development", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
      protection  = { deletion_protection = false, multi_zone = false, backup_retention_days = 7, log_retention_days = 30 }
    }
  }

  assert {
    condition     = length(azurerm_postgresql_flexible_server.this.high_availability) == 0 && length(azurerm_management_lock.this) == 0
    error_message = "Development may be thrown away."
  }
}

run "refuses_old_postgresql" {
  command = plan
  variables {
    engine_version = 13
  }
  expect_failures = [var.engine_version]
}

run "refuses_peer_two_majors_apart" {
  command = plan
  variables {
    peer_engine_version = 15
  }
  expect_failures = [var.peer_engine_version]
}

run "refuses_size_that_does_not_exist" {
  command = plan
  variables {
    instance = { sku = "huge", storage_mib = 131072 }
  }
  expect_failures = [var.instance]
}

run "refuses_burstable_server_in_production" {
  command = plan
  variables {
    instance = { sku = "B_Standard_B2ms", storage_mib = 131072 }
  }
  expect_failures = [var.instance]
}

run "refuses_storage_azure_does_not_sell" {
  command = plan
  variables {
    instance = { sku = "GP_Standard_D2ads_v5", storage_mib = 100000 }
  }
  expect_failures = [var.instance]
}

run "refuses_key_with_version" {
  command = plan
  variables {
    encryption = { key_id = "https://shop.vault.azure.net/keys/database/0123", identity_id = "i" }
  }
  expect_failures = [var.encryption]
}

run "refuses_administrator_by_name" {
  command = plan
  variables {
    administrator = { tenant_id = "example.com", object_id = "dba", group_name = "dba" }
  }
  expect_failures = [var.administrator]
}

run "refuses_short_password" {
  command = plan
  variables {
    password = { value = "secret", version = 1 }
  }
  expect_failures = [var.password]
}

run "refuses_too_few_slots" {
  command = plan
  variables {
    logical_replication = { max_slots = 2 }
  }
  expect_failures = [var.logical_replication]
}

run "refuses_slots_that_fill_the_disk" {
  command = plan
  variables {
    logical_replication = { slot_wal_keep_mib = 100000 }
  }
  expect_failures = [var.logical_replication]
}

run "refuses_database_of_the_server" {
  command = plan
  variables {
    database_name = "postgres"
  }
  expect_failures = [var.database_name]
}

