# The complete example, and what the stack itself refuses. Rules of modules are tested beside the modules.
mock_provider "azurerm" {
  override_during = plan
  mock_resource "azurerm_resource_group" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod" }
  }
  mock_resource "azurerm_subnet" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.Network/virtualNetworks/shop-prod/subnets/GatewaySubnet" }
  }
  mock_resource "azurerm_key_vault_key" {
    defaults = { versionless_id = "https://shop.vault.azure.net/keys/mock" }
  }
  mock_resource "azurerm_public_ip" {
    defaults = { ip_address = "198.51.100.10" }
  }
  mock_resource "azurerm_postgresql_flexible_server" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.DBforPostgreSQL/flexibleServers/shop-prod", fqdn = "shop-prod.postgres.database.azure.com" }
  }
}

variables {
  application         = "shop"
  environment         = "production"
  region              = "westeurope"
  owner               = "payments@example.com"
  cost_center         = "CC-4711"
  data_classification = "restricted"
  extra_tags          = { team = "payments" }
  subscription_id     = "00000000-0000-0000-0000-000000000000"
  tenant_id           = "11111111-1111-1111-1111-111111111111"
  posture             = "warm-standby"
  alert_mail          = ["oncall@example.com"]

  network = {
    cidr         = "10.40.0.0/16"
    peer_cidrs   = ["10.20.0.0/16"]
    dns_resolver = true
  }

  connectivity = {
    gateway_sku           = "VpnGw2AZ"
    peer_tunnel_addresses = ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"]
  }

  kubernetes = {
    version                = "1.34"
    admin_group_object_ids = ["22222222-2222-2222-2222-222222222222"]
  }

  database = {
    engine_version       = 17
    peer_engine_version  = 17
    admin_group_id       = "22222222-2222-2222-2222-222222222222"
    admin_group_name     = "platform"
    geo_redundant_backup = false
  }

  capacity = {
    active = {
      nodes    = { size = "Standard_D2ps_v6", min = 6, max = 12 }
      database = { sku = "GP_Standard_D4ads_v5", storage_mib = 262144 }
    }
    standby = {
      nodes    = { size = "Standard_D2ps_v6", min = 2, max = 12 }
      database = { sku = "GP_Standard_D2ads_v5", storage_mib = 262144 }
    }
  }

  registry_replica_regions = ["northeurope"]

  entry = { host = "shop.example.com" }

  traffic_manager = {
    relative_name = "shop-prod"
    peer          = { site = "aws-eu-central-1", address = "203.0.113.10" }
  }

  cloudphoenix = {
    entry_url    = "https://azure.shop.example.com"
    provider_url = "https://provider.azure.shop.example.com"
    agent_url    = "http://agent.azure.internal.example.com:8081"
  }
  database_password = { value = "only-for-this-test-0123456789", version = 1 }
  preshared_keys    = ["0123456789abcdef0123456789abcde1", "0123456789abcdef0123456789abcde2", "0123456789abcdef0123456789abcde3", "0123456789abcdef0123456789abcde4"]
}

run "a_warm_standby_in_production" {
  command = plan

  assert {
    condition     = output.cloudphoenix.site.id == "azure-westeurope" && output.cloudphoenix.site.entry.address == "198.51.100.10"
    error_message = "The site is named after cloud and region and has a fixed address."
  }

  assert {
    condition     = local.capacity.nodes.min == 2 && local.capacity.database.sku == "GP_Standard_D2ads_v5"
    error_message = "It takes the smaller size."
  }

  assert {
    condition     = alltrue([for file in [output.cloudphoenix.site.database.password_file, output.cloudphoenix.site.database.peer_password_file, output.cloudphoenix.site.provider.token_file] : contains(keys(output.cloudphoenix.secrets.files), file)])
    error_message = "Every file of the configuration has a secret that fills it."
  }

  assert {
    condition     = length(module.traffic_manager) == 1 && output.resolver_address == "10.40.254.4"
    error_message = "The switch and the resolver are there when they are asked for."
  }
}

run "it_becomes_the_active_site" {
  command = plan
  variables { posture = "active" }

  assert {
    condition     = local.capacity.nodes.min == 6 && output.cloudphoenix.posture == "active"
    error_message = "The full size."
  }
}

run "the_first_apply_has_a_gateway_and_no_tunnels" {
  command = plan
  variables {
    connectivity    = {}
    preshared_keys  = []
    traffic_manager = null
  }

  assert {
    condition     = length(output.vpn_gateway_addresses) == 2 && length(module.traffic_manager) == 0
    error_message = "The addresses the aws stack needs are there first."
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

run "refuses_unknown_posture" {
  command = plan
  variables {
    posture = "cold"
  }
  expect_failures = [var.posture]
}

run "refuses_standby_that_cannot_grow" {
  command = plan
  variables {
    capacity = { active = { nodes = { size = "Standard_D2ps_v6", min = 6, max = 12 }, database = { sku = "GP_Standard_D4ads_v5", storage_mib = 262144 } }, standby = { nodes = { size = "Standard_D2ps_v6", min = 2, max = 4 }, database = { sku = "GP_Standard_D2ads_v5", storage_mib = 262144 } } }
  }
  expect_failures = [var.capacity]
}

run "refuses_standby_too_small_for_the_data" {
  command = plan
  variables {
    capacity = { active = { nodes = { size = "Standard_D2ps_v6", min = 6, max = 12 }, database = { sku = "GP_Standard_D4ads_v5", storage_mib = 262144 } }, standby = { nodes = { size = "Standard_D2ps_v6", min = 2, max = 12 }, database = { sku = "GP_Standard_D2ads_v5", storage_mib = 65536 } } }
  }
  expect_failures = [var.capacity]
}

run "refuses_standby_larger_than_the_active_site" {
  command = plan
  variables {
    capacity = { active = { nodes = { size = "Standard_D2ps_v6", min = 2, max = 12 }, database = { sku = "GP_Standard_D4ads_v5", storage_mib = 262144 } }, standby = { nodes = { size = "Standard_D2ps_v6", min = 6, max = 12 }, database = { sku = "GP_Standard_D2ads_v5", storage_mib = 262144 } } }
  }
  expect_failures = [var.capacity]
}

run "refuses_host_that_is_none" {
  command = plan
  variables {
    entry = { host = "shop" }
  }
  expect_failures = [var.entry]
}

run "refuses_provider_without_tls" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://azure.shop.example.com", provider_url = "http://provider.example.com", agent_url = "http://agent.azure.internal.example.com:8081" }
  }
  expect_failures = [var.cloudphoenix]
}

run "refuses_application_role_that_fences" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://azure.shop.example.com", provider_url = "https://provider.example.com", agent_url = "http://agent.azure.internal.example.com:8081", application_role = "cloudphoenix" }
  }
  expect_failures = [var.cloudphoenix]
}

run "refuses_name_outside_its_zone" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://azure.shop.example.com", provider_url = "https://provider.example.com", agent_url = "http://agent.azure.internal.example.com:8081", traffic = { server = "ns1.example.com:53", zone = "example.com", name = "shop.example.org" } }
  }
  expect_failures = [var.cloudphoenix]
}

run "refuses_traffic_with_a_ttl_of_an_hour" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://azure.shop.example.com", provider_url = "https://provider.example.com", agent_url = "http://agent.azure.internal.example.com:8081", traffic = { server = "ns1.example.com:53", zone = "example.com", name = "shop.example.com", ttl_seconds = 3600 } }
  }
  expect_failures = [var.cloudphoenix]
}


run "refuses_entry_url_that_follows_the_users" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://shop.example.com", provider_url = "https://provider.example.com", agent_url = "http://agent.azure.internal.example.com:8081" }
  }
  expect_failures = [var.cloudphoenix]
}

run "refuses_agent_without_a_url" {
  command = plan
  variables {
    cloudphoenix = { entry_url = "https://azure.shop.example.com", provider_url = "https://provider.example.com", agent_url = "agent.azure.internal:8081" }
  }
  expect_failures = [var.cloudphoenix]
}
