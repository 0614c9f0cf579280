mock_provider "azurerm" {
  mock_resource "azurerm_traffic_manager_profile" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.Network/trafficManagerProfiles/shop-prod" }
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
  relative_name       = "shop-prod"
  host                = "shop.example.com"
  active_site         = "aws-eu-central-1"
  log_workspace_id    = "workspace"
  sites = {
    aws-eu-central-1 = { target = "203.0.113.10", priority = 1 }
    azure-westeurope = { target = "198.51.100.10", priority = 2 }
  }
}

run "both_answers_are_in_place_and_one_is_given" {
  command = plan

  assert {
    condition     = azurerm_traffic_manager_external_endpoint.this["aws-eu-central-1"].enabled && !azurerm_traffic_manager_external_endpoint.this["azure-westeurope"].enabled
    error_message = "Only the active site is enabled."
  }

  assert {
    condition     = alltrue([for endpoint in azurerm_traffic_manager_external_endpoint.this : endpoint.always_serve_enabled])
    error_message = "Users follow the switch, not a health check."
  }
}

run "health_is_asked_over_tls_with_the_right_name" {
  command = plan

  assert {
    condition     = azurerm_traffic_manager_profile.this.monitor_config[0].protocol == "HTTPS" && azurerm_traffic_manager_profile.this.monitor_config[0].custom_header[0].value == "shop.example.com"
    error_message = "An entry that serves several names must know which one is meant."
  }
}

run "refuses_name_with_dot" {
  command = plan
  variables {
    relative_name = "shop.prod"
  }
  expect_failures = [var.relative_name]
}

run "refuses_ttl_of_an_hour" {
  command = plan
  variables {
    ttl_seconds = 3600
  }
  expect_failures = [var.ttl_seconds]
}

run "refuses_host_that_is_none" {
  command = plan
  variables {
    host = "shop"
  }
  expect_failures = [var.host]
}

run "refuses_one_site" {
  command = plan
  variables {
    sites = { aws-eu-central-1 = { target = "203.0.113.10", priority = 1 } }
  }
  expect_failures = [var.sites]
}

run "refuses_equal_priorities" {
  command = plan
  variables {
    sites = { aws-eu-central-1 = { target = "203.0.113.10", priority = 1 }, azure-westeurope = { target = "198.51.100.10", priority = 1 } }
  }
  expect_failures = [var.sites]
}

run "refuses_sites_at_one_target" {
  command = plan
  variables {
    sites = { aws-eu-central-1 = { target = "203.0.113.10", priority = 1 }, azure-westeurope = { target = "203.0.113.10", priority = 2 } }
  }
  expect_failures = [var.sites]
}

run "refuses_unknown_active_site" {
  command = plan
  variables {
    active_site = "gcp-europe-west1"
  }
  expect_failures = [var.active_site]
}

