resource "azurerm_private_dns_zone" "this" {
  for_each = merge(var.private_zones, { postgresql = local.postgres_zone })

  name                = each.value
  resource_group_name = var.resource_group_name
  tags                = var.context.tags
}

# The one place that changes with azurerm 5: private_dns_zone_name becomes private_dns_zone_id.
resource "azurerm_private_dns_zone_virtual_network_link" "this" {
  for_each = azurerm_private_dns_zone.this

  name                  = var.context.name
  resource_group_name   = var.resource_group_name
  private_dns_zone_name = each.value.name
  virtual_network_id    = azurerm_virtual_network.this.id
  registration_enabled  = false
  tags                  = var.context.tags
}

resource "azurerm_subnet" "resolver" {
  count = var.dns_resolver ? 1 : 0

  name                            = "resolver"
  resource_group_name             = var.resource_group_name
  virtual_network_name            = azurerm_virtual_network.this.name
  address_prefixes                = [local.subnets.resolver]
  default_outbound_access_enabled = false

  delegation {
    name = "resolver"
    service_delegation {
      name    = "Microsoft.Network/dnsResolvers"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_private_dns_resolver" "this" {
  count = var.dns_resolver ? 1 : 0

  name                = var.context.name
  location            = var.context.region
  resource_group_name = var.resource_group_name
  virtual_network_id  = azurerm_virtual_network.this.id
  tags                = var.context.tags
}

resource "azurerm_private_dns_resolver_inbound_endpoint" "this" {
  count = var.dns_resolver ? 1 : 0

  name                    = "peer"
  location                = var.context.region
  private_dns_resolver_id = azurerm_private_dns_resolver.this[0].id
  tags                    = var.context.tags

  ip_configurations {
    subnet_id                    = azurerm_subnet.resolver[0].id
    private_ip_allocation_method = "Static"
    private_ip_address           = cidrhost(local.subnets.resolver, 4)
  }
}
