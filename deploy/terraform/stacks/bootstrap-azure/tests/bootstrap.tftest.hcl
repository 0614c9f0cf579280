# Plans only: the state refuses to be destroyed, which a test that applies would try.
mock_provider "azurerm" {
  override_during = plan
  mock_resource "azurerm_resource_group" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod-bootstrap" }
  }
}

variables {
  application         = "shop"
  environment         = "production"
  region              = "westeurope"
  owner               = "payments@example.com"
  cost_center         = "CC-4711"
  subscription_id     = "00000000-0000-0000-0000-000000000000"
  tenant_id           = "11111111-1111-1111-1111-111111111111"
  state_principal_ids = { platform = "22222222-2222-2222-2222-222222222222" }
  operator_cidrs      = ["203.0.113.8/30"]
}

run "the_state_is_encrypted_versioned_and_locked" {
  command = plan

  assert {
    condition     = azurerm_storage_account.state.blob_properties[0].versioning_enabled && !azurerm_storage_account.state.shared_access_key_enabled && azurerm_storage_account.state.network_rules[0].default_action == "Deny"
    error_message = "Versions stay, shared keys are off, only operators' addresses are answered."
  }

  assert {
    condition     = can(regex("^shopprodstate[0-9a-f]{5}$", output.backend.storage_account_name)) && azurerm_management_lock.this.lock_level == "CanNotDelete"
    error_message = "The backend's settings are an output; the group is locked."
  }
}

run "an_organisation_with_its_own_log_needs_none" {
  command = plan
  variables { activity_log = false }

  assert {
    condition     = length(azurerm_log_analytics_workspace.activity) == 0
    error_message = "No second log."
  }
}

run "refuses_subscription_that_is_a_name" {
  command = plan
  variables {
    subscription_id = "production"
  }
  expect_failures = [var.subscription_id]
}

run "refuses_tenant_that_is_a_name" {
  command = plan
  variables {
    tenant_id = "example.com"
  }
  expect_failures = [var.tenant_id]
}

run "refuses_state_for_nobody" {
  command = plan
  variables {
    state_principal_ids = {}
  }
  expect_failures = [var.state_principal_ids]
}

run "refuses_state_open_to_the_world" {
  command = plan
  variables {
    operator_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.operator_cidrs]
}

