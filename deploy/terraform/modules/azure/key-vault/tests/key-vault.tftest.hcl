mock_provider "azurerm" {
  mock_resource "azurerm_key_vault" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.KeyVault/vaults/shop" }
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
  tenant_id           = "11111111-1111-1111-1111-111111111111"
  unique_suffix       = "a1b2c"
  endpoint            = { subnet_id = "subnet", private_zone_id = "zone" }
  log_workspace_id    = "workspace"
}

run "the_vault_is_private_and_cannot_be_lost" {
  command = plan

  assert {
    condition     = azurerm_key_vault.this.purge_protection_enabled && azurerm_key_vault.this.soft_delete_retention_days == 90 && length(azurerm_management_lock.this) == 1
    error_message = "Neither deleted nor purged by accident."
  }

  assert {
    condition     = !azurerm_key_vault.this.public_network_access_enabled && azurerm_key_vault.this.network_acls[0].default_action == "Deny" && azurerm_key_vault.this.rbac_authorization_enabled
    error_message = "Reached from inside, by role."
  }
}

run "keys_rotate_and_open_one_thing_each" {
  command = plan

  assert {
    condition     = alltrue([for key in azurerm_key_vault_key.this : key.rotation_policy[0].automatic[0].time_before_expiry == "P1Y" && toset(key.key_opts) == toset(["wrapKey", "unwrapKey"])])
    error_message = "Keys rotate by themselves and only wrap other keys."
  }

  assert {
    condition     = length(azurerm_user_assigned_identity.key) == 3 && alltrue([for grant in azurerm_role_assignment.key : grant.role_definition_name == "Key Vault Crypto Service Encryption User"])
    error_message = "An identity for each purpose with the smallest role that encrypts."
  }
}

run "refuses_tenant_that_is_a_name" {
  command = plan
  variables {
    tenant_id = "example.com"
  }
  expect_failures = [var.tenant_id]
}

run "refuses_long_suffix" {
  command = plan
  variables {
    unique_suffix = "a-long-one"
  }
  expect_failures = [var.unique_suffix]
}

run "refuses_unknown_purpose" {
  command = plan
  variables {
    purposes = ["everything"]
  }
  expect_failures = [var.purposes]
}

run "refuses_the_world_as_operator" {
  command = plan
  variables {
    operator_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.operator_cidrs]
}

run "refuses_vault_open_to_an_office_in_production" {
  command = plan
  variables {
    operator_cidrs = ["203.0.113.8/32"]
  }
  expect_failures = [var.operator_cidrs]
}

