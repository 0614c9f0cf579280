mock_provider "azurerm" {}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "westeurope"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  resource_group_name = "shop-prod"
  alert_mail          = ["oncall@example.com"]
}

run "logs_are_kept_and_written_with_identities_only" {
  command = plan

  assert {
    condition     = azurerm_log_analytics_workspace.this.retention_in_days == 400 && !azurerm_log_analytics_workspace.this.local_authentication_enabled
    error_message = "Retention follows the environment; shared keys are off."
  }

  assert {
    condition     = length(azurerm_monitor_action_group.this.short_name) <= 12
    error_message = "The service allows twelve characters."
  }
}

run "refuses_quota_of_nothing" {
  command = plan
  variables {
    daily_quota_gib = 0
  }
  expect_failures = [var.daily_quota_gib]
}

run "refuses_small_quota_in_production" {
  command = plan
  variables {
    daily_quota_gib = 1
  }
  expect_failures = [var.daily_quota_gib]
}

run "refuses_alerts_nobody_reads" {
  command = plan
  variables {
    alert_mail = []
  }
  expect_failures = [var.alert_mail]
}

