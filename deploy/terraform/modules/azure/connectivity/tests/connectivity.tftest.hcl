mock_provider "azurerm" {
  mock_resource "azurerm_local_network_gateway" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.Network/localNetworkGateways/peer" }
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
  resource_group_name   = "shop-prod"
  gateway_subnet_id     = "/subscriptions/0/resourceGroups/shop-prod/providers/Microsoft.Network/virtualNetworks/shop-prod/subnets/GatewaySubnet"
  peer_cidrs            = ["10.20.0.0/16"]
  peer_tunnel_addresses = ["203.0.113.1", "203.0.113.2"]
  preshared_keys        = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"]
}

run "strong_proposals_that_match_the_other_side" {
  command = plan

  assert {
    condition     = alltrue([for connection in azurerm_virtual_network_gateway_connection.this : connection.connection_protocol == "IKEv2" && connection.ipsec_policy[0].ike_encryption == "GCMAES256" && connection.ipsec_policy[0].dh_group == "ECP384"])
    error_message = "IKEv2, AES-256-GCM and group 20 (ECP384), as the AWS side offers."
  }

  assert {
    condition     = azurerm_virtual_network_gateway.this.active_active && length(azurerm_virtual_network_gateway.this.ip_configuration) == 2
    error_message = "One instance may be patched while data flows."
  }
}

run "the_gateway_comes_before_the_tunnels" {
  command = plan
  variables {
    peer_tunnel_addresses = []
    preshared_keys        = []
  }

  assert {
    condition     = length(azurerm_virtual_network_gateway_connection.this) == 0 && length(azurerm_public_ip.this) == 2
    error_message = "The first apply gives the addresses the other cloud needs."
  }
}

run "refuses_another_subnet" {
  command = plan
  variables {
    gateway_subnet_id = "/subscriptions/0/subnets/node"
  }
  expect_failures = [var.gateway_subnet_id]
}

run "refuses_gateway_that_dies_with_its_zone" {
  command = plan
  variables {
    gateway_sku = "Basic"
  }
  expect_failures = [var.gateway_sku]
}

run "refuses_no_peer_cidr" {
  command = plan
  variables {
    peer_cidrs = []
  }
  expect_failures = [var.peer_cidrs]
}

run "refuses_same_tunnel_twice" {
  command = plan
  variables {
    peer_tunnel_addresses = ["203.0.113.1", "203.0.113.1"]
  }
  expect_failures = [var.peer_tunnel_addresses]
}

run "refuses_tunnel_without_key" {
  command = plan
  variables {
    preshared_keys = ["0123456789abcdef0123456789abcdef"]
  }
  expect_failures = [var.preshared_keys]
}

run "refuses_short_keys" {
  command = plan
  variables {
    preshared_keys = ["secret", "secret"]
  }
  expect_failures = [var.preshared_keys]
}

