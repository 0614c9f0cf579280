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
  cidr                = "10.40.0.0/16"
  peer_cidrs          = ["10.20.0.0/16"]
}

run "subnets_do_not_overlap" {
  command = plan

  assert {
    condition     = azurerm_subnet.node.address_prefixes == tolist(["10.40.0.0/17"]) && azurerm_subnet.database.address_prefixes == tolist(["10.40.128.0/20"]) && azurerm_subnet.gateway.address_prefixes == tolist(["10.40.255.0/24"])
    error_message = "Nodes, databases and the gateway have ranges of their own."
  }
}

run "databases_are_reached_by_pods_and_the_other_cloud_only" {
  command = plan

  assert {
    condition     = toset([for key, rule in azurerm_network_security_rule.allow : rule.source_address_prefix if startswith(key, "database ")]) == toset(["10.40.0.0/17", "10.40.128.0/20", "10.20.0.0/16"])
    error_message = "Pods, the server itself, and the tunnel."
  }

  assert {
    condition     = length(azurerm_network_security_rule.deny) == 3 && alltrue([for rule in azurerm_network_security_rule.deny : rule.access == "Deny" && rule.priority == 4096])
    error_message = "Every subnet ends with a refusal."
  }

  assert {
    condition     = [for key, rule in azurerm_network_security_rule.allow : key if rule.source_address_prefix == "Internet"] == ["node https"]
    error_message = "The internet reaches HTTPS and nothing else."
  }
}

run "nothing_reaches_the_internet_by_default" {
  command = plan

  assert {
    condition     = !azurerm_subnet.node.default_outbound_access_enabled && !azurerm_subnet.database.default_outbound_access_enabled && !azurerm_subnet.endpoint.default_outbound_access_enabled
    error_message = "Only the NAT gateway leads out, and only for nodes."
  }
}

run "the_other_cloud_can_ask_for_private_names" {
  command = plan
  variables { dns_resolver = true }

  assert {
    condition     = output.resolver_address == "10.40.254.4" && contains(output.postgresql_domains, "shop-prod.private.postgres.database.azure.com")
    error_message = "The resolver has a fixed address."
  }
}

run "refuses_resource_group_with_spaces" {
  command = plan
  variables {
    resource_group_name = "shop prod"
  }
  expect_failures = [var.resource_group_name]
}

run "refuses_cidr_that_is_none" {
  command = plan
  variables {
    cidr = "10.40.0.0"
  }
  expect_failures = [var.cidr]
}

run "refuses_cidr_that_is_too_small" {
  command = plan
  variables {
    cidr = "10.40.0.0/24"
  }
  expect_failures = [var.cidr]
}

run "refuses_public_cidr" {
  command = plan
  variables {
    cidr = "20.40.0.0/16"
  }
  expect_failures = [var.cidr]
}

run "refuses_bad_peer_cidr" {
  command = plan
  variables {
    peer_cidrs = ["10.20.0.0/40"]
  }
  expect_failures = [var.peer_cidrs]
}

run "refuses_same_range_in_both_clouds" {
  command = plan
  variables {
    peer_cidrs = ["10.40.0.0/16"]
  }
  expect_failures = [var.peer_cidrs]
}

run "refuses_peer_inside_this_range" {
  command = plan
  variables {
    peer_cidrs = ["10.40.128.0/20"]
  }
  expect_failures = [var.peer_cidrs]
}

run "refuses_zone_that_is_not_private" {
  command = plan
  variables {
    private_zones = { blob = "blob.core.windows.net" }
  }
  expect_failures = [var.private_zones]
}

