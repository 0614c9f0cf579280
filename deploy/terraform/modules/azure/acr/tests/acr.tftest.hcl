mock_provider "azurerm" {
  mock_resource "azurerm_container_registry" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.ContainerRegistry/registries/shop" }
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
  unique_suffix       = "a1b2c"
  endpoint            = { subnet_id = "subnet", private_zone_id = "zone" }
  encryption          = { key_id = "https://shop.vault.azure.net/keys/registry", identity_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.ManagedIdentity/userAssignedIdentities/key", identity_client_id = "22222222-2222-2222-2222-222222222222" }
  log_workspace_id    = "workspace"
}

run "images_are_pulled_by_identity_over_a_private_endpoint" {
  command = plan

  assert {
    condition     = !azurerm_container_registry.this.admin_enabled && !azurerm_container_registry.this.anonymous_pull_enabled && !azurerm_container_registry.this.public_network_access_enabled
    error_message = "No shared password, no anonymous pull, no public network."
  }

  assert {
    condition     = azurerm_container_registry.this.zone_redundancy_enabled && azurerm_container_registry.this.name == "shopproda1b2c"
    error_message = "Production images survive a zone; the name has letters and digits only."
  }
}

run "a_replica_survives_the_region" {
  command = plan
  variables { replica_regions = ["northeurope"] }

  assert {
    condition     = azurerm_container_registry.this.georeplications[0].location == "northeurope"
    error_message = "The copy is in the named region."
  }
}

run "refuses_long_suffix" {
  command = plan
  variables {
    unique_suffix = "a-long-one"
  }
  expect_failures = [var.unique_suffix]
}

run "refuses_key_with_version" {
  command = plan
  variables {
    encryption = { key_id = "https://shop.vault.azure.net/keys/registry/0123", identity_id = "i", identity_client_id = "c" }
  }
  expect_failures = [var.encryption]
}

run "refuses_replica_in_the_same_region" {
  command = plan
  variables {
    replica_regions = ["westeurope"]
  }
  expect_failures = [var.replica_regions]
}

