# The range is cut: the first half for nodes, then a sixteenth each for databases and private endpoints,
# and from the last sixteenth a small one for the VPN gateway and one for the DNS resolver.
locals {
  subnets = {
    node     = cidrsubnet(var.cidr, 1, 0)
    database = cidrsubnet(var.cidr, 4, 8)
    endpoint = cidrsubnet(var.cidr, 4, 9)
    resolver = cidrsubnet(cidrsubnet(var.cidr, 4, 15), 4, 14)
    gateway  = cidrsubnet(cidrsubnet(var.cidr, 4, 15), 4, 15)
  }

  # Not the server's own name: the service refuses a zone called like one of its servers.
  postgres_zone = "${var.context.name}.private.postgres.database.azure.com"
}

resource "azurerm_virtual_network" "this" {
  name                = var.context.name
  location            = var.context.region
  resource_group_name = var.resource_group_name
  address_space       = [var.cidr]
  tags                = var.context.tags
}

resource "azurerm_subnet" "node" {
  name                            = "node"
  resource_group_name             = var.resource_group_name
  virtual_network_name            = azurerm_virtual_network.this.name
  address_prefixes                = [local.subnets.node]
  default_outbound_access_enabled = false
}

resource "azurerm_subnet" "database" {
  name                            = "database"
  resource_group_name             = var.resource_group_name
  virtual_network_name            = azurerm_virtual_network.this.name
  address_prefixes                = [local.subnets.database]
  default_outbound_access_enabled = false

  # Injected into the network, not behind a private endpoint: as a subscriber the server must reach out
  # through the tunnel, and only an injected server sends through the network.
  delegation {
    name = "postgresql"
    service_delegation {
      name    = "Microsoft.DBforPostgreSQL/flexibleServers"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "endpoint" {
  name                              = "endpoint"
  resource_group_name               = var.resource_group_name
  virtual_network_name              = azurerm_virtual_network.this.name
  address_prefixes                  = [local.subnets.endpoint]
  default_outbound_access_enabled   = false
  private_endpoint_network_policies = "NetworkSecurityGroupEnabled"
}

# The name is the service's, not ours.
resource "azurerm_subnet" "gateway" {
  name                 = "GatewaySubnet"
  resource_group_name  = var.resource_group_name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = [local.subnets.gateway]
}

resource "azurerm_public_ip" "nat" {
  name                = "${var.context.name}-nat"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  allocation_method   = "Static"
  sku                 = "StandardV2"
  tags                = var.context.tags
}

# StandardV2 spans the region's zones by itself.
resource "azurerm_nat_gateway" "this" {
  name                = var.context.name
  location            = var.context.region
  resource_group_name = var.resource_group_name
  sku_name            = "StandardV2"
  tags                = var.context.tags
}

resource "azurerm_nat_gateway_public_ip_association" "this" {
  nat_gateway_id       = azurerm_nat_gateway.this.id
  public_ip_address_id = azurerm_public_ip.nat.id
}

resource "azurerm_subnet_nat_gateway_association" "node" {
  subnet_id      = azurerm_subnet.node.id
  nat_gateway_id = azurerm_nat_gateway.this.id

  depends_on = [azurerm_nat_gateway_public_ip_association.this]
}
