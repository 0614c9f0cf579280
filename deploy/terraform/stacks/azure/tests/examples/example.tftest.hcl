# Run once for each example: terraform test -test-directory=tests/examples -var-file=../../examples/minimal/azure.tfvars
mock_provider "azurerm" {
  mock_resource "azurerm_resource_group" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop" }
  }
  mock_resource "azurerm_public_ip" {
    defaults = { ip_address = "198.51.100.10" }
  }
  mock_resource "azurerm_postgresql_flexible_server" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers/Microsoft.DBforPostgreSQL/flexibleServers/shop", fqdn = "shop.postgres.database.azure.com" }
  }
  mock_resource "azurerm_key_vault_key" {
    defaults = { versionless_id = "https://shop.vault.azure.net/keys/mock" }
  }
  mock_resource "azurerm_subnet" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers/Microsoft.Network/virtualNetworks/shop/subnets/GatewaySubnet" }
  }
}

variables {
  database_password = { value = "only-for-this-test-0123456789", version = 1 }
  preshared_keys    = [for index in range(length(try(var.connectivity.peer_tunnel_addresses, []))) : "0123456789abcdef0123456789abcde${index}"]
}

run "example" {
  command = apply

  assert {
    condition     = output.cloudphoenix.site.cloud == "azure" && can(regex("^postgresql://", output.cloudphoenix.site.database.url))
    error_message = "The example gives what the configuration of CloudPhoenix needs."
  }
}
